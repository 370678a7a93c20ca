//! Draws against their definition: counts over 100,000 of them, by chi-squared.

use super::{Augmentation, Flip, Transform, WHOLE};

const DRAWS: u32 = 100_000;
const SEED: u64 = 2020;

/// What befalls samples 0 to 99,999 in an epoch, in batches of so many.
fn drawn(augmentation: Augmentation, input: [usize; 3], epoch: u32, batch: usize) -> Vec<Transform> {
    augmentation.check(input).unwrap();
    let samples: Vec<u32> = (0..DRAWS).collect();
    samples.chunks(batch).flat_map(|batch| augmentation.draw(input, SEED, epoch, batch)).collect()
}

/// Counts of cells that are as likely as `expected` in proportion: neither too far from that nor too near to it.
fn agree(what: &str, counts: &[u64], expected: &[f64]) {
    assert_eq!(counts.len(), expected.len(), "{what}");
    let (total, whole) = (counts.iter().sum::<u64>() as f64, expected.iter().sum::<f64>());
    let of_cell = |(&count, expected): (&u64, &f64)| {
        let expected = expected / whole * total;
        assert!(expected > 5.0, "{what}: too few to tell");
        (count as f64 - expected).powi(2) / expected
    };
    let statistic: f64 = counts.iter().zip(expected).map(of_cell).sum();
    let freedom = counts.len() as f64 - 1.0;
    // Chi-squared's mean is its degrees of freedom; of few, it is so skewed that nothing is too near.
    let far = 4.5 * (2.0 * freedom).sqrt();
    assert!((freedom - far..freedom + far).contains(&statistic), "{what}: {statistic:.1} of {freedom}: {counts:?}");
}

/// How often each of so many cells was met; what is none is left out.
fn counts(cells: usize, met: impl Iterator<Item = usize>) -> Vec<u64> {
    let mut counts = vec![0; cells];
    met.filter(|&cell| cell < cells).for_each(|cell| counts[cell] += 1);
    counts
}

fn uniform(what: &str, cells: usize, met: impl Iterator<Item = usize>) {
    agree(what, &counts(cells, met), &vec![1.0; cells]);
}

#[test]
fn a_coin_decides_which_half_is_mirrored_first_and_in_the_next_epoch_it_is_the_others_turn() {
    let alternating = Augmentation { flip: Flip::Alternating, ..Augmentation::default() };
    let flips = |augmentation, epoch| {
        drawn(augmentation, [4, 4, 1], epoch, 64).into_iter().map(|drawn| drawn.flip as usize).collect::<Vec<_>>()
    };
    let epochs: Vec<Vec<usize>> = (0..4).map(|epoch| flips(alternating, epoch)).collect();
    uniform("the first epoch", 2, epochs[0].iter().copied());
    uniform("neighbours", 4, epochs[0].windows(2).step_by(2).map(|pair| 2 * pair[0] + pair[1]));
    assert!(epochs[0].iter().zip(&epochs[1]).all(|(first, second)| first + second == 1));
    assert!(epochs[2] == epochs[0] && epochs[3] == epochs[1]);

    let horizontal = Augmentation { flip: Flip::Horizontal, ..Augmentation::default() };
    let [first, second] = [0, 1].map(|epoch| flips(horizontal, epoch));
    uniform("two epochs", 4, first.iter().zip(&second).map(|(first, second)| 2 * first + second));
}

#[test]
fn an_image_moves_as_often_one_way_as_any_other() {
    let augmentation = Augmentation { shift: 2, flip: Flip::Horizontal, ..Augmentation::default() };
    let way = |drawn: &Transform| (5 * (drawn.shift[0] + 2) + drawn.shift[1] + 2) as usize;
    let [first, second] = [0, 1].map(|epoch| drawn(augmentation, [5, 7, 1], epoch, 64));
    uniform("both directions", 25, first.iter().map(way));
    uniform("two epochs", 625, first.iter().zip(&second).map(|(first, second)| 25 * way(first) + way(second)));
    uniform("neighbours", 625, first.chunks(2).map(|pair| 25 * way(&pair[0]) + way(&pair[1])));
    uniform("flips and ways", 50, first.iter().map(|drawn| 25 * drawn.flip as usize + way(drawn)));
}

/// How often each pixel of an image is in the boxes.
fn covered([height, width, _]: [usize; 3], boxes: impl Iterator<Item = [u32; 4]>) -> Vec<u64> {
    let pixels = |[top, left, bottom, right]: [u32; 4]| {
        (top..bottom).flat_map(move |y| (left..right).map(move |x| y as usize * width + x as usize))
    };
    counts(height * width, boxes.flat_map(pixels))
}

#[test]
fn a_cutouts_centre_is_any_pixel_and_what_is_beyond_the_image_is_cut_off() {
    let shape = [5, 7, 1];
    let cutouts = |cutout| {
        let augmentation = Augmentation { cutout, ..Augmentation::default() };
        drawn(augmentation, shape, 3, 64).into_iter().map(|drawn| drawn.cutout)
    };
    agree("one pixel", &covered(shape, cutouts(1)), &[1.0; 35]);
    for (cutout, above) in [(3, 1), (4, 2)] {
        // The centres from which one is covered, of those in the image.
        let rows = |y: i32, extent: i32| {
            (0..extent).filter(|centre| (centre - above..centre - above + cutout).contains(&y)).count() as f64
        };
        let times = covered(shape, cutouts(cutout as u32));
        for (place, times) in times.iter().enumerate() {
            let part = rows(place as i32 / 7, 5) * rows(place as i32 % 7, 7) / 35.0;
            let (mean, spread) = (f64::from(DRAWS) * part, (f64::from(DRAWS) * part * (1.0 - part)).sqrt());
            assert!((*times as f64 - mean).abs() < 4.5 * spread, "pixel {place}: {times} of {mean}");
        }
    }
}

/// The parts of (area, aspect) in cells of `cells` areas that rectangles have which fit into a square image.
fn fitting(cells: usize) -> Vec<f64> {
    const FINE: usize = 1000;
    let middle = |step: usize, low: f64, high: f64| low + (high - low) * (step as f64 + 0.5) / FINE as f64;
    let fits = |area: usize| {
        let area = middle(area, 0.02, 0.4);
        let fits = |aspect: usize| area * middle(aspect, 0.3, 3.33) < 1.0 && area / middle(aspect, 0.3, 3.33) < 1.0;
        (0..FINE).filter(|&aspect| fits(aspect)).count() as f64
    };
    (0..cells).map(|cell| (cell * FINE / cells..(cell + 1) * FINE / cells).map(fits).sum()).collect()
}

#[test]
fn what_is_erased_has_the_area_and_the_place_that_the_definition_says() {
    let side = 2000;
    let augmentation = Augmentation { random_erasing: 0.25, ..Augmentation::default() };
    let all = drawn(augmentation, [side as usize, side as usize, 1], 0, 64);
    let erased: Vec<[f64; 4]> =
        all.iter().filter(|drawn| drawn.erased[2] > 0).map(|d| d.erased.map(f64::from)).collect();
    let untouched = all.len() - erased.len();
    agree("how often", &[erased.len() as u64, untouched as u64], &[0.25, 0.75]);
    let side = f64::from(side);
    let areas = erased.iter().map(|[top, left, bottom, right]| (bottom - top) * (right - left) / (side * side));
    agree("areas", &counts(20, areas.map(|area| ((area - 0.02) / 0.38 * 20.0) as usize)), &fitting(20));
    let aspects = erased.iter().map(|[top, left, bottom, right]| (bottom - top) / (right - left));
    assert!(
        aspects.clone().all(|aspect| (0.299..3.34).contains(&aspect)) && aspects.clone().any(|aspect| aspect > 3.2)
    );
    let places = |first: usize| {
        let room = move |of: &[f64; 4]| of[first] / (side - (of[first + 2] - of[first]) + 1.0);
        erased.iter().map(move |of| (20.0 * room(of)) as usize).collect::<Vec<_>>()
    };
    uniform("top", 20, places(0).into_iter());
    uniform("left", 20, places(1).into_iter());
    // No rectangle is smaller than a row that is all of the image.
    assert!(drawn(augmentation, [1, 9, 1], 0, 64).iter().all(|drawn| drawn.erased == [0; 4]));
}

#[test]
fn a_partner_is_any_other_row_of_the_batch() {
    let augmentation = Augmentation { mixup: 1.0, ..Augmentation::default() };
    let drawn = |rows: usize| drawn(augmentation, [4, 4, 1], 1, rows);
    let ways = drawn(7);
    let ways = ways.iter().enumerate().map(|(place, drawn)| (7 + drawn.partner as usize - place % 7) % 7);
    assert!(ways.clone().all(|way| way > 0));
    uniform("partners", 6, ways.map(|way| way - 1));
    assert!(drawn(2).iter().enumerate().all(|(place, drawn)| drawn.partner as usize == 1 - place % 2));
    let alone =
        |(sample, drawn): (usize, &Transform)| *drawn == Transform { partner: 0, ..Transform::NONE } || sample > 0;
    assert!(drawn(1).iter().enumerate().all(alone), "nothing to mix with");
    // The last batch of an epoch is smaller.
    assert!(drawn(99_999)[99_999].own == WHOLE && drawn(99_998)[99_999].partner == 0);
}

#[cfg(feature = "classical")]
#[test]
fn a_mixtures_part_is_of_the_beta_distribution() {
    use statrs::distribution::{Beta, ContinuousCDF};

    for alpha in [0.05, 0.2, 0.5, 0.9, 1.0, 1.1, 2.0, 7.5, 60.0] {
        let augmentation = Augmentation { mixup: alpha, ..Augmentation::default() };
        let drawn = drawn(augmentation, [4, 4, 1], 0, 64);
        assert!(drawn.iter().all(|drawn| drawn.share == drawn.own as f32 / WHOLE as f32));
        // Narrow in the middle, where large parameters put everything.
        let edges: Vec<f64> = (0..=24).map(|edge| 0.5 + (f64::from(edge - 12) / 12.0).powi(3) / 2.0).collect();
        let beta = Beta::new(alpha, alpha).unwrap();
        let parts = edges.windows(2).map(|edges| beta.cdf(edges[1]) - beta.cdf(edges[0]));
        let own = |drawn: &Transform| (f64::from(drawn.own) / f64::from(WHOLE)).min(1.0 - 1e-9);
        let cell = |drawn: &Transform| edges.iter().filter(|&&edge| edge <= own(drawn)).count() - 1;
        let met = counts(24, drawn.iter().map(cell));
        // What is too rare to tell from nothing is told with its neighbour.
        let mut cells: Vec<(u64, f64)> = vec![(0, 0.0)];
        for (count, part) in met.into_iter().zip(parts) {
            if cells.last().is_some_and(|(_, part)| part * f64::from(DRAWS) > 20.0) {
                cells.push((0, 0.0));
            }
            let last = cells.last_mut().unwrap();
            *last = (last.0 + count, last.1 + part);
        }
        let rest = cells.pop().unwrap();
        let last = cells.last_mut().unwrap();
        *last = (last.0 + rest.0, last.1 + rest.1);
        let (met, parts): (Vec<u64>, Vec<f64>) = cells.into_iter().unzip();
        agree(&format!("alpha {alpha}"), &met, &parts);
    }
}

#[test]
fn a_pasted_box_has_the_area_that_the_definition_says_and_a_label_the_rest() {
    let (height, width) = (12, 9);
    let augmentation = Augmentation { cutmix: 1.0, ..Augmentation::default() };
    let drawn = drawn(augmentation, [height, width, 3], 0, 64);
    let area = |[top, left, bottom, right]: [u32; 4]| ((bottom - top) * (right - left)) as usize;
    let pixels = height * width;
    let share = |drawn: &Transform| (1.0 - area(drawn.pasted) as f64 / pixels as f64) as f32;
    assert!(drawn.iter().all(|drawn| drawn.own == WHOLE && drawn.share == share(drawn)));
    // Lambda in equal steps, and each centre.
    const FINE: usize = 4000;
    let mut expected = vec![0.0; 12];
    for step in 0..FINE {
        let side = ((step as f64 + 0.5) / FINE as f64).sqrt();
        let lengths = |extent: usize| {
            let length = (extent as f64 * side).round() as i32;
            let first = move |centre: i32| centre - length / 2;
            let inside = move |centre| (first(centre) + length).min(extent as i32) - first(centre).max(0);
            (0..extent as i32).map(inside).collect::<Vec<i32>>()
        };
        let (rows, columns) = (lengths(height), lengths(width));
        for area in rows.iter().flat_map(|rows| columns.iter().map(move |columns| (rows * columns) as usize)) {
            expected[area * 12 / (pixels + 1)] += 1.0;
        }
    }
    agree("areas", &counts(12, drawn.iter().map(|drawn| area(drawn.pasted) * 12 / (pixels + 1))), &expected);
}

#[test]
fn with_both_kinds_of_mixing_a_label_keeps_what_both_leave_of_it() {
    let both = Augmentation { mixup: 0.4, cutmix: 1.0, ..Augmentation::default() };
    let [mixup, cutmix] = [Augmentation { cutmix: 0.0, ..both }, Augmentation { mixup: 0.0, ..both }];
    let [both, mixup, cutmix] = [both, mixup, cutmix].map(|one| drawn(one, [6, 6, 1], 0, 64));
    for ((both, mixup), cutmix) in both.iter().zip(&mixup).zip(&cutmix) {
        assert_eq!((both.partner, both.own, both.pasted), (mixup.partner, mixup.own, cutmix.pasted));
        assert!((both.share - mixup.share * cutmix.share).abs() < 1e-6, "{both:?}");
    }
}

#[test]
fn draws_follow_from_seed_epoch_and_sample_alone() {
    let all = Augmentation {
        flip: Flip::Horizontal,
        shift: 3,
        cutout: 4,
        random_erasing: 0.5,
        mixup: 0.2,
        cutmix: 1.0,
        ..Augmentation::default()
    };
    let draw = |seed, epoch, samples: &[u32]| all.draw([8, 8, 1], seed, epoch, samples).collect::<Vec<_>>();
    let whole = draw(1, 4, &[5, 6, 7, 8]);
    assert_eq!(draw(1, 4, &[5, 6, 7, 8]), whole);
    let other = draw(1, 4, &[8, 1, 5, 9]);
    // Who the partner is follows from the place, too.
    assert_eq!(Transform { partner: 0, ..other[2] }, Transform { partner: 0, ..whole[0] });
    assert_eq!((other[2].partner + 4 - 2) % 4, whole[0].partner);
    assert!(draw(2, 4, &[5, 6, 7, 8]) != whole && draw(1, 5, &[5, 6, 7, 8]) != whole);
    let only = Augmentation { shift: 3, ..Augmentation::default() };
    let alone: Vec<_> = only.draw([8, 8, 1], 1, 4, &[5]).map(|drawn| drawn.shift).collect();
    assert_eq!(alone, [whole[0].shift], "whatever else befalls it");
}

#[test]
fn nothing_is_nothing() {
    let pad = super::Pad::Edge;
    let nothing = Augmentation { pad, ..Augmentation::default() };
    assert!(nothing.is_nothing() && !Augmentation { cutout: 1, ..nothing }.is_nothing());
    assert_eq!(nothing.draw([3, 3, 1], 0, 0, &[9]).collect::<Vec<_>>(), [Transform::NONE]);
    assert!(Augmentation { shift: 3, ..nothing }.check([3, 4, 1]).unwrap_err().to_string().contains("give at most 2"));
    assert!(Augmentation { cutout: 8, ..nothing }.check([3, 4, 1]).unwrap_err().to_string().contains("at most 7"));
}

#[test]
fn views_are_the_means_that_were_asked_for() {
    let views = |text: &str| text.parse::<super::Views>().unwrap().transforms();
    let seen = |text| views(text).iter().map(|(view, part)| (view.flip, view.shift, *part)).collect::<Vec<_>>();
    assert_eq!(seen("flip"), [(0, [0, 0], 0.5), (1, [0, 0], 0.5)]);
    let both = [
        (0, [0, 0], 0.25),
        (1, [0, 0], 0.25),
        (0, [-2, -2], 0.125),
        (1, [-2, 2], 0.125),
        (0, [2, 2], 0.125),
        (1, [2, -2], 0.125),
    ];
    assert_eq!(seen("flip,shift:2"), both);
    assert_eq!(seen("shift:1"), [(0, [0, 0], 0.5), (0, [-1, -1], 0.25), (0, [1, 1], 0.25)]);
    for wrong in ["", "flop", "flip,flip", "shift", "shift:0", "shift:-1", "shift:x", "flip;shift:1"] {
        let message = wrong.parse::<super::Views>().unwrap_err().to_string();
        assert!(message.contains("is no view; give flip, shift:1, or both with a comma"), "{message}");
    }
    assert_eq!("shift:1,flip".parse::<super::Views>().unwrap().to_string(), "flip,shift:1");
}
