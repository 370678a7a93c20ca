//! What `profile --model-gpu` prints: a training step on cards that are not there, pass by pass.

use serde_json::{Value, json};

use super::output;
use crate::measure::{CARDS, Card, DISPATCH, LATENCY, Modelled, REACHED, RESIDENT};
use crate::plan::Plan;

/// What `--model-gpu` takes.
pub fn keys() -> Vec<&'static str> {
    CARDS.iter().map(|card| card.key).collect()
}

/// A model's step on some of the cards.
pub struct Report {
    model: String,
    batch: usize,
    cards: Vec<(&'static Card, Vec<Modelled>)>,
}

impl Report {
    pub fn new(model: &str, batch: usize, plan: &Plan, cards: &[String]) -> Self {
        let chosen = CARDS.iter().filter(|card| cards.iter().any(|key| key == card.key));
        let cards = chosen.map(|card| (card, card.step(plan))).collect();
        Self { model: model.to_owned(), batch, cards }
    }

    pub fn text(&self) -> String {
        let per_card = |cells: &dyn Fn(&'static Card, &[Modelled]) -> [String; 2]| -> Vec<String> {
            self.cards.iter().flat_map(|(card, passes)| cells(card, passes)).collect()
        };
        let row =
            |layer: &str, kernel: &str, cells: Vec<String>| [vec![layer.to_owned(), kernel.to_owned()], cells].concat();
        let micro = |seconds: f64| format!("{:.1}", 1e6 * seconds);
        let first = self.cards.first().map_or(&[][..], |(_, passes)| passes);
        let mut rows: Vec<Vec<String>> = first
            .iter()
            .enumerate()
            .map(|(number, Modelled { work, .. })| {
                let cells = per_card(&|_, passes| {
                    let Modelled { seconds, limit, .. } = passes[number];
                    [micro(seconds), limit.name().to_owned()]
                });
                row(&work.layer, work.kernel, cells)
            })
            .collect();
        rows.push(row("all", "", per_card(&|_, passes| [micro(seconds(passes)), String::new()])));
        let images = |passes: &[Modelled]| format!("{:.0}", self.batch as f64 / seconds(passes));
        rows.push(row("images/s", "", per_card(&|_, passes| [images(passes), String::new()])));
        let headings = per_card(&|card, _| [format!("{}, us", card.key), "limit".to_owned()]);
        let headings: Vec<&str> = ["layer", "kernel"].into_iter().chain(headings.iter().map(String::as_str)).collect();
        format!(
            "{}, batches of {}: a model of cards that are not here, no measurement\n\
             assumed: {:.0} us between passes, {:.0} % of a pass' roof, {LATENCY} cycles of latency a tile, {RESIDENT} \
             threads a unit,\nand memory that moves each value once; compute and workgroup memory by each kernel's tiles\n\n{}",
            self.model,
            self.batch,
            1e6 * DISPATCH,
            100.0 * REACHED,
            output::table(&headings, &rows),
        )
    }

    pub fn json(&self) -> Value {
        let pass = |Modelled { work, seconds, limit }: &Modelled| {
            json!({
                "layer": work.layer,
                "kernel": work.kernel,
                "seconds": seconds,
                "limit": limit.name(),
                "operations": work.operations,
                "bytes": work.bytes,
            })
        };
        let card = |(card, passes): &(&Card, Vec<Modelled>)| {
            json!({
                "card": card.key,
                "name": card.name,
                "seconds_of_step": seconds(passes),
                "images_per_second": self.batch as f64 / seconds(passes),
                "passes": passes.iter().map(pass).collect::<Vec<_>>(),
            })
        };
        json!({
            "model": self.model,
            "batch_size": self.batch,
            "assumed": {
                "seconds_between_passes": DISPATCH,
                "part_of_roof": REACHED,
                "cycles_of_latency": LATENCY,
                "threads_of_unit": RESIDENT,
            },
            "cards": self.cards.iter().map(card).collect::<Vec<_>>(),
        })
    }
}

fn seconds(passes: &[Modelled]) -> f64 {
    passes.iter().map(|pass| pass.seconds).sum()
}
