//! The cases that kernels over many variables have in common: what differs is what they keep of each value.

use super::BINDING_ALIGNMENT;
use super::case::{Case, Draw, progress};
use super::step_numbers::StepNumbers;
use super::updates::{GradientOrder, MicroBatches, Partitions, Update, Updates};

/// What a case begins with.
pub(super) struct UpdateCase {
    pub label: String,
    pub updates: Updates,
    /// The largest gradient.
    pub limit: f32,
    pub draw: Draw,
    micro_batches: usize,
}

impl UpdateCase {
    /// Words of the values, and of whatever else there is of each.
    pub fn values(&self) -> usize {
        self.updates.words()[2]
    }

    pub fn gradients(&self) -> usize {
        self.updates.words()[0]
    }

    /// In the last micro-batch of step 6, from 0, which is the second one of its order.
    pub fn progress(&self) -> Vec<u32> {
        progress(1, 6, 128, self.micro_batches as u32 - 1)
    }

    /// What updates read: gradients, the numbers of two steps, progress, the table. The rates are of the two steps;
    /// their other numbers and their products with eighths are exact.
    pub fn memory(&self, gradients: Vec<u32>, rates: [f32; 2]) -> Vec<Vec<u32>> {
        let StepNumbers { count, decay, factor, skips } = self.updates.numbers;
        let mut numbers = vec![0.0_f32; 2 * count];
        let of_step = if skips && self.micro_batches == 1 { 0.0 } else { 0.5 };
        for (place, values) in [(Some(0), rates), (decay, [0.5, 0.0625]), (factor, [2.0, of_step])] {
            for (row, value) in numbers.chunks_exact_mut(count).zip(values) {
                place.into_iter().for_each(|place| row[place] = value);
            }
        }
        let numbers = numbers.into_iter().map(f32::to_bits).collect();
        vec![gradients, numbers, self.progress(), self.updates.table()]
    }
}

/// Variables of some words and partitions each, whose gradients lie one after the other, as products leave them: the
/// partitions of two neighbours take turns, as a kernel's and its bias' do. Every third one does not decay.
fn updates(variables: &[[usize; 2]], micro_batches: MicroBatches, numbers: StepNumbers) -> Updates {
    let (mut first, mut from) = (0, 0);
    let mut updates = Vec::new();
    for pair in variables.chunks(2) {
        let stride = pair.iter().map(|[words, _]| words).sum();
        for &[words, count] in pair {
            let gradient = Partitions { first: from, words, count, stride };
            updates.push(Update { first, gradient, decays: updates.len() % 3 != 1 });
            first += words;
            from += words;
        }
        first = first.next_multiple_of(BINDING_ALIGNMENT);
        from = (from + stride * (pair[0][1] - 1)).next_multiple_of(BINDING_ALIGNMENT);
    }
    Updates {
        variables: updates,
        micro_batches: MicroBatches { stride: from, ..micro_batches },
        numbers,
        read_ahead: false,
    }
}

/// The cases that `make` makes of these, by number.
pub(super) fn update_cases(make: impl Fn(usize, UpdateCase) -> Case) -> Vec<Case> {
    let [rate, decay, factor, both] = [(1, None, None), (2, Some(1), None), (2, None, Some(1)), (3, Some(1), Some(2))]
        .map(|(count, decay, factor)| StepNumbers { count, decay, factor, skips: false });
    // Of one micro-batch the factor is 0.
    let skips = StepNumbers { skips: true, ..both };
    let small: Vec<[usize; 2]> =
        (1..=17_usize).map(|number| [number * 9 % 70 + 1, number.div_ceil(2) % 4 + 1]).collect();
    let in_a_row = |count| MicroBatches { count, ..MicroBatches::ONE };
    let as_a_tree = |count| MicroBatches { count, order: GradientOrder::Tree, ..MicroBatches::ONE };
    let cases: [(&[[usize; 2]], MicroBatches, f32, StepNumbers); 17] = [
        (&[[64, 1]], in_a_row(1), 0.1, rate),
        (&[[1000, 3]], in_a_row(1), 0.1, rate),
        (&[[129, 16]], in_a_row(1), 1e-6, rate),
        (&[[1, 2]], in_a_row(3), 0.1, rate),
        (&[[129, 3]], in_a_row(2), 0.1, factor),
        // A kernel and a bias, and two more.
        (&[[288, 5], [32, 5], [640, 1], [10, 1]], in_a_row(3), 0.1, decay),
        (&small, in_a_row(2), 0.1, rate),
        (&[[1, 1]; 32_769], in_a_row(1), 0.1, rate),
        (&small, in_a_row(2), 0.1, both),
        // Whole sixteens, some more, and fewer.
        (&[[70, 49], [5, 17], [64, 40], [3, 7], [90, 1]], in_a_row(3), 0.1, rate),
        (&[[129, 3]], as_a_tree(2), 0.1, factor),
        (&[[70, 49], [5, 17], [64, 40], [3, 7], [700, 1]], as_a_tree(3), 0.1, rate),
        (&small, as_a_tree(4), 0.1, both),
        (&small, as_a_tree(7), 0.1, rate),
        (&[[288, 2], [32, 2]], as_a_tree(13), 0.1, decay),
        (&small, in_a_row(1), 0.1, skips),
        (&small, in_a_row(2), 0.1, skips),
    ];
    let case = |(number, (variables, micro_batches, limit, numbers)): (
        usize,
        (&[[usize; 2]], MicroBatches, _, StepNumbers),
    )| {
        // Each kind of case in both ways.
        let read_ahead = number % 2 == 1;
        let updates = Updates { read_ahead, ..updates(variables, micro_batches, numbers) };
        let MicroBatches { count, order, .. } = micro_batches;
        let shown = &variables[..variables.len().min(20)];
        let also = [(numbers.decay, ", decaying"), (numbers.factor, ", clipped")];
        let also: String = also.iter().filter_map(|(place, words)| place.map(|_| *words)).collect();
        let label = format!(
            "{shown:?} words and partitions, {count} micro-batches ({order:?}), gradients to {limit}{also}, read ahead {read_ahead}"
        );
        make(number, UpdateCase { label, updates, limit, draw: Draw::new(number), micro_batches: count })
    };
    cases.into_iter().enumerate().map(case).collect()
}
