//! Variables in buffers that they share, so that one pass updates them all.

use std::ops::Range;

use super::buffers::Buffers;
use super::cut::{Cut, Summed};
use super::updating::{Updated, update_passes};
use super::{BufferId, Gradient, HostBuffers, Pass, Place, Training, Variable, VariableKind, VariableSpec, pass};
use crate::kernels::{
    BINDING_ALIGNMENT, GradientOrder, GradientSum, MicroBatches, Moving, MovingStatistics, Partitions, StepNumbers,
    Update, Updates, WeighMoments,
};
use crate::optimizers::{Optimizer, State};
use crate::parallel::Share;

/// The most words of a buffer that variables share: as much as WebGPU promises that a pass can bind. What is larger has
/// buffers of its own, and may still fit where an adapter allows more.
const MOST_WORDS: usize = 1 << 25;

/// How the batch of a step is divided.
#[derive(Clone, Debug)]
pub(crate) struct Division {
    /// Rows.
    pub batch: usize,
    /// Rows of a micro-batch.
    pub micro_batch: usize,
    /// In which order what these leave is added up.
    pub order: GradientOrder,
    /// What this process does of it, where others do the rest.
    pub share: Option<Share>,
}

impl Division {
    /// The micro-batches of this process.
    pub fn own(&self) -> Range<usize> {
        self.share.as_ref().map_or(0..self.batch.div_ceil(self.micro_batch), Share::own)
    }

    pub fn micro_batches(&self, stride: usize) -> MicroBatches {
        MicroBatches { count: self.own().len(), stride, order: self.order }
    }
}

/// What [`Arenas::finish`] makes.
pub(crate) struct Finished {
    /// In the layers' order.
    pub variables: Vec<Variable>,
    /// What is exchanged of this process' share, if it has one: what is known first.
    pub rounds: Vec<Summed>,
    /// The passes that move moving averages, and those that update the other variables.
    pub moving: Vec<Pass>,
    pub updates: Vec<Pass>,
}

/// The variables so far.
#[derive(Default)]
pub(crate) struct Arenas(pub(super) Vec<Arena>);

/// Some variables: their values in one buffer, the gradients of each micro-batch in another one.
pub(super) struct Arena {
    values: BufferId,
    pub gradients: BufferId,
    pub words: usize,
    /// Of one micro-batch.
    pub gradient_words: usize,
    /// Nothing changes them: the optimizer keeps nothing of them, and no average of theirs is taken in their place.
    pub is_fixed: bool,
    pub layers: Vec<LayerVariables>,
}

/// A layer's variables, one after the other, each with what a step changes it by.
pub(super) struct LayerVariables {
    layer: String,
    /// Of the layers with variables.
    pub number: usize,
    pub first: usize,
    /// Of what a micro-batch leaves.
    pub first_gradient: usize,
    variables: Vec<(VariableSpec, Change)>,
}

/// What a step changes a variable by, which the layer's passes leave among the gradients of a micro-batch.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// The optimizer, by this gradient.
    Gradient(Partitions),
    /// It is a moving average of a statistic, whose first word this is.
    MovingAverage { of: usize, momentum: f64 },
    /// It stays as it is.
    Nothing,
}

impl Change {
    /// Words up to its end, of a variable of so many values.
    fn end(&self, values: usize) -> usize {
        match self {
            Change::Gradient(Partitions { count, stride, .. }) => count.saturating_mul(*stride),
            Change::MovingAverage { of, .. } => of.saturating_add(values),
            Change::Nothing => 0,
        }
    }

    /// The same for a layer whose gradients begin at word `first`.
    fn behind(self, first: usize) -> Self {
        match self {
            Change::Gradient(gradient) => Change::Gradient(Partitions { first: first + gradient.first, ..gradient }),
            Change::MovingAverage { of, momentum } => Change::MovingAverage { of: first + of, momentum },
            Change::Nothing => Change::Nothing,
        }
    }
}

/// The buffers that a layer's passes bind, each with the word that it starts at.
pub struct Storage {
    /// The variables, one after the other.
    pub values: (BufferId, usize),
    /// What the first micro-batch leaves: one of the next lies a stride further.
    pub gradient: (BufferId, usize),
}

impl Arenas {
    /// Makes room for a layer's variables, each with what changes it in what the layer's passes leave.
    pub fn add(
        &mut self,
        buffers: &mut Buffers,
        layer: &str,
        variables: &[VariableSpec],
        changes: &[Change],
        micro_batches: usize,
    ) -> Storage {
        let end = |(variable, change): (&VariableSpec, &Change)| change.end(variable.values());
        let gradient_words = aligned(variables.iter().zip(changes).map(end).max().unwrap_or(0));
        let is_fixed = changes.iter().all(|change| matches!(change, Change::Nothing));
        let number = self.0.iter().map(|arena| arena.layers.len()).sum();
        let fits = |arena: &usize| {
            let arena = &self.0[*arena];
            let words = arena.gradient_words.saturating_add(gradient_words);
            words.saturating_mul(micro_batches) <= MOST_WORDS
        };
        let last = self.0.iter().rposition(|arena| arena.is_fixed == is_fixed).filter(fits);
        let place = last.unwrap_or_else(|| {
            let [values, gradients] = [(); 2].map(|()| buffers.add("", vec![]));
            self.0.push(Arena { values, gradients, words: 0, gradient_words: 0, is_fixed, layers: Vec::new() });
            self.0.len() - 1
        });
        let arena = &mut self.0[place];
        let (first, first_gradient) = (arena.words, arena.gradient_words);
        let words = variables.iter().fold(0, |words: usize, variable| words.saturating_add(variable.values()));
        arena.words = first.saturating_add(aligned(words));
        arena.gradient_words = first_gradient.saturating_add(gradient_words);
        let changes = changes.iter().map(|change| change.behind(first_gradient));
        let variables = variables.iter().cloned().zip(changes).collect();
        let layer = layer.to_owned();
        arena.layers.push(LayerVariables { layer, number, first, first_gradient, variables });
        Storage { values: (arena.values, first), gradient: (arena.gradients, first_gradient) }
    }

    /// Words from what a micro-batch leaves in a buffer of gradients to what the next one does; none of other buffers.
    pub fn stride(&self, buffer: BufferId) -> Option<usize> {
        self.0.iter().find(|arena| arena.gradients == buffer).map(|arena| arena.gradient_words)
    }

    /// Gives the buffers their names and sizes, and makes those of the optimizer and the passes behind all others.
    pub fn finish(
        self,
        buffers: &mut Buffers,
        optimizer: &Optimizer,
        host: &HostBuffers,
        division: &Division,
        read_ahead: bool,
        cut: Option<Cut>,
    ) -> Finished {
        let (mut variables, mut updated, mut moving) = (Vec::new(), Vec::new(), Vec::new());
        let mut rounds: Vec<Summed> = Cut::rounds(cut).into_iter().map(Summed::of).collect();
        for (number, arena) in self.0.into_iter().enumerate() {
            let name = match (&*arena.layers, number) {
                ([alone], _) => format!("{}.weights", alone.layer),
                (_, 0) => "weights".into(),
                _ => format!("weights_{number}"),
            };
            buffers.define(arena.values, &name, vec![arena.words]);
            let micro_batches = division.micro_batches(arena.gradient_words);
            buffers.define(
                arena.gradients,
                &format!("{name}.gradient"),
                vec![micro_batches.count, arena.gradient_words],
            );
            let state = |state: &State| buffers.add(&format!("{name}.{}", state.name), vec![arena.words]);
            let kept = if arena.is_fixed { Vec::new() } else { optimizer.states() };
            let states: Vec<BufferId> = kept.iter().map(state).collect();
            let mut own = arena.variables(&states, micro_batches);
            let update = |(_, variable): &(usize, Variable)| {
                let gradient = variable.training.as_ref()?.gradient.partitions;
                Some(Update { first: variable.values.first, gradient, decays: optimizer.decays(variable.kind.name()) })
            };
            let of = own.iter().filter_map(update).collect();
            let mut updates = Updates {
                variables: of,
                micro_batches,
                numbers: optimizer.numbers(host.loss_scale.is_some()),
                read_ahead,
            };
            let (values, mut gradients) = (arena.values, arena.gradients);
            if division.share.is_none() || arena.is_fixed {
                moving.extend(arena.move_averages(&name, buffers, host, division));
            } else {
                let totals = buffers.add(&format!("{name}.gradient.totals"), vec![arena.words]);
                for round in &mut rounds {
                    round.add(&arena, (&name, totals), buffers, host, division, &updates);
                }
                moving.extend(arena.move_by_totals(&name, buffers, host, division, totals));
                gradients = totals;
                updates = of_totals(updates);
                own.iter_mut().filter_map(|(_, own)| Some((own.values.first, own.training.as_mut()?))).for_each(
                    |(first, Training { gradient, .. })| {
                        let partitions = as_values_lie(first, gradient.partitions.words);
                        *gradient = Gradient { buffer: totals, partitions, micro_batches: MicroBatches::ONE };
                    },
                );
            }
            let table = buffers.add_filled(&format!("{name}.table"), updates.table());
            updated.push(Updated { name, updates, gradients, table, values, states });
            variables.extend(own);
        }
        variables.sort_by_key(|(number, _): &(usize, Variable)| *number);
        let variables = variables.into_iter().map(|(_, variable)| variable).collect();
        let updates = update_passes(updated, buffers, optimizer, host);
        Finished { variables, rounds, moving, updates }
    }
}

/// Where the next binding may start; sizes that no plan can have are refused later.
fn aligned(words: usize) -> usize {
    words.div_ceil(BINDING_ALIGNMENT).saturating_mul(BINDING_ALIGNMENT)
}

/// A normalisation's means and variances as what is added up to where the moving ones lie.
pub(super) fn moments(one: &Moving) -> Update {
    let gradient = Partitions { first: one.moments, words: 2 * one.channels, count: 1, stride: 0 };
    Update { first: one.moving_mean, gradient, decays: false }
}

/// The same over gradients of whole batches, which lie as the values do.
fn of_totals(mut updates: Updates) -> Updates {
    for update in &mut updates.variables {
        update.gradient = as_values_lie(update.first, update.gradient.words);
    }
    Updates { micro_batches: MicroBatches::ONE, ..updates }
}

fn as_values_lie(first: usize, words: usize) -> Partitions {
    Partitions { first, words, count: 1, stride: words }
}

impl LayerVariables {
    /// Numbers in all of its variables.
    pub fn values(&self) -> usize {
        self.variables.iter().map(|(variable, _)| variable.values()).sum()
    }
}

impl Arena {
    /// The passes that move the moving averages, if there are any.
    fn move_averages(&self, name: &str, buffers: &mut Buffers, host: &HostBuffers, division: &Division) -> Vec<Pass> {
        let normalisations = self.normalisations();
        if normalisations.is_empty() {
            return Vec::new();
        }
        let Division { batch, micro_batch, order, .. } = *division;
        let micro_batches = division.micro_batches(self.gradient_words);
        let kernel = MovingStatistics { normalisations, micro_batches, batch, micro_batch };
        let table = buffers.add_filled(&format!("{name}.moving_table"), kernel.table());
        if order == GradientOrder::Sequential || micro_batches.count == 1 {
            return vec![pass(name, kernel, &[self.gradients, host.progress, table, self.values])];
        }
        // Products are stored before they are added, so that no device rounds them together with a sum.
        let sums = buffers.add(&format!("{name}.moments"), vec![self.words]);
        let moments = kernel.normalisations.iter().map(moments).collect();
        let updates = Updates { variables: moments, micro_batches, numbers: StepNumbers::default(), read_ahead: false };
        let sum_table = buffers.add_filled(&format!("{name}.moments.table"), updates.table());
        let moved = kernel.of_whole_batches();
        let moved_table = buffers.add_filled(&format!("{name}.moments.moving_table"), moved.table());
        let weigh = WeighMoments { moving: kernel, first: 0 };
        vec![
            pass(name, weigh, &[self.gradients, host.progress, table]),
            pass(name, GradientSum { updates }, &[self.gradients, sum_table, sums]),
            pass(name, moved, &[sums, host.progress, moved_table, self.values]),
        ]
    }

    /// The pass that moves the moving averages by moments of whole batches, if there are any.
    fn move_by_totals(
        &self,
        name: &str,
        buffers: &mut Buffers,
        host: &HostBuffers,
        division: &Division,
        totals: BufferId,
    ) -> Option<Pass> {
        let Division { batch, micro_batch, .. } = *division;
        let (normalisations, micro_batches) = (self.normalisations(), MicroBatches::ONE);
        if normalisations.is_empty() {
            return None;
        }
        let moved = MovingStatistics { normalisations, micro_batches, batch, micro_batch }.of_whole_batches();
        let table = buffers.add_filled(&format!("{name}.moving_table"), moved.table());
        Some(pass(name, moved, &[totals, host.progress, table, self.values]))
    }

    pub fn normalisations(&self) -> Vec<Moving> {
        let mut normalisations = Vec::new();
        for LayerVariables { first, variables, .. } in &self.layers {
            let mut first = *first;
            for (spec, change) in variables {
                let channels = spec.values();
                if let (VariableKind::MovingMean, Change::MovingAverage { of, momentum }) = (spec.kind, *change) {
                    normalisations.push(Moving { moving_mean: first, moments: of, channels, momentum });
                }
                first += channels;
            }
        }
        normalisations
    }

    /// The variables with the numbers of their layers.
    fn variables(&self, states: &[BufferId], micro_batches: MicroBatches) -> Vec<(usize, Variable)> {
        let mut all = Vec::new();
        for LayerVariables { layer, number, first, variables, .. } in &self.layers {
            let mut first = *first;
            for (spec, change) in variables {
                let words = spec.values();
                let place = |buffer| Place { buffer, first, words };
                let training = match change {
                    Change::Gradient(partitions) => Some(Training {
                        gradient: Gradient { buffer: self.gradients, partitions: *partitions, micro_batches },
                        states: states.iter().map(|buffer| place(*buffer)).collect(),
                    }),
                    Change::MovingAverage { .. } | Change::Nothing => None,
                };
                let VariableSpec { kind, shape, initial } = spec.clone();
                let (layer, values) = (layer.clone(), place(self.values));
                all.push((*number, Variable { layer, kind, shape, initial, values, training }));
                first += words;
            }
        }
        all
    }
}
