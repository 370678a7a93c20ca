//! Space files: which runs a sweep is of.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use toml::{Table, Value};

use super::{Parameter, Pruning, Values, shown};
use crate::error::{Error, Result};
use crate::formats::read_text;
use crate::model::nearest;
use crate::recipe::SECTIONS;
use crate::train::Monitor;

/// Which runs there are to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    pub name: String,
    method: Method,
    /// What the runs are compared by.
    pub metric: Monitor,
    pub pruning: Option<Pruning>,
    /// Each configuration is trained with each of these; with its own where there are none.
    pub seeds: Vec<u32>,
    /// Each configuration is trained once for each of so many folds.
    pub folds: Option<usize>,
    /// By name; those that do not vary, too.
    pub parameters: Vec<Parameter>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Method {
    /// All combinations.
    Grid,
    Random {
        count: usize,
        seed: u64,
    },
    /// Each configuration goes by what came of those before, so that no manifest can have them.
    Tpe {
        count: usize,
        seed: u64,
    },
}

/// How a search comes to its configurations, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Search {
    /// `"tpe"` or `"random"`.
    pub method: &'static str,
    pub count: usize,
    pub seed: u64,
}

/// The values of one run's parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    pub values: BTreeMap<String, Value>,
    /// From 0.
    pub fold: Option<usize>,
}

const KEYS: [&str; 9] = ["name", "method", "count", "seed", "metric", "seeds", "folds", "pruning", "parameters"];
/// More are no longer looked at by people, and a manifest of them is too large to be read for each.
const MOST_TASKS: usize = 4096;

impl Space {
    /// Reads a space file.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the file, the key and the remedy.
    pub fn open(path: &Path) -> Result<Self> {
        let fail = |problem: String| Error::Usage(format!("{}: {problem}", path.display()).replace('\n', " "));
        let text = read_text(path)
            .map_err(|error| fail(format!("cannot be read ({error}); give a TOML file with [parameters]")))?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        Self::parse(&stem, &text).map_err(fail)
    }

    /// What the text says, of a file of that name, in the words `problem; remedy`.
    fn parse(stem: &str, text: &str) -> std::result::Result<Self, String> {
        let mut file: Table =
            text.parse().map_err(|error: toml::de::Error| format!("no TOML ({}); mend it", error.message()))?;
        if let Some(key) = file.keys().find(|key| !KEYS.contains(&key.as_str())) {
            let hint = nearest(key, &KEYS);
            let remedy = "what varies belongs into [parameters]";
            return Err(format!("unknown key \"{key}\"{hint}; there are {}; {remedy}", KEYS.join(", ")));
        }
        let name = taken(&mut file, "name", "text")?.unwrap_or_else(|| stem.to_owned());
        if name.is_empty() || name.contains(['/', '\\']) || name.contains(char::is_control) {
            return Err(format!("name is \"{}\"; give one that a folder may have", name.escape_default()));
        }
        let metric = taken(&mut file, "metric", "val_accuracy, val_loss, accuracy or loss")?;
        let pruning = file.remove("pruning").map(|value| Pruning::parse(&value)).transpose()?;
        let seeds = seeds(&mut file)?;
        let folds = taken(&mut file, "folds", "a whole number, 2 or more")?;
        if folds.is_some_and(|folds: usize| folds < 2) {
            return Err("folds is less than 2: nothing to compare; give 2 or more".into());
        }
        let method = method(&mut file)?;
        let parameters = parameters(&mut file)?;
        let space =
            Self { name, method, metric: metric.unwrap_or(Monitor::ValAccuracy), pruning, seeds, folds, parameters };
        space.check()?;
        Ok(space)
    }

    fn check(&self) -> std::result::Result<(), String> {
        let has = |name: &str| self.parameters.iter().any(|parameter| parameter.name == name);
        if !self.seeds.is_empty() && has("seed") {
            return Err("seeds, and [parameters] has a seed; give one of the two".into());
        }
        if self.folds.is_some() {
            let parts = ["validation_fraction", "training.validation_fraction"];
            if let Some(part) = parts.into_iter().find(|part| has(part)) {
                return Err(format!("[parameters]: {part} is of no use to folds; leave it out"));
            }
        }
        let ranged = self.parameters.iter().find(|parameter| parameter.values.list().is_none());
        if let (Method::Grid, Some(Parameter { name, .. })) = (self.method, ranged) {
            return Err(format!(
                "[parameters]: {name} is a range, which has no grid; give a list, or method = \"random\""
            ));
        }
        let configurations = match self.method {
            Method::Random { count, .. } | Method::Tpe { count, .. } => count,
            Method::Grid => {
                let values = |parameter: &Parameter| parameter.values.list().map_or(1, <[Value]>::len);
                self.parameters.iter().map(values).fold(1, usize::saturating_mul)
            }
        };
        let repeated = self.seeds.len().max(1).saturating_mul(self.folds.unwrap_or(1));
        match configurations.saturating_mul(repeated) {
            0..=MOST_TASKS => Ok(()),
            tasks => Err(format!("{tasks} tasks; give fewer values, {MOST_TASKS} at most in all")),
        }
    }

    /// All runs, those of one configuration beside each other; the last parameter varies fastest.
    pub fn assignments(&self) -> Vec<Assignment> {
        let configurations: Vec<BTreeMap<String, Value>> = match self.method {
            Method::Grid => self.parameters.iter().fold(vec![BTreeMap::new()], |all, Parameter { name, values }| {
                let with = |before: &BTreeMap<String, Value>, value: &Value| {
                    let mut values = before.clone();
                    values.insert(name.clone(), value.clone());
                    values
                };
                let values = values.list().unwrap_or_default();
                all.iter().flat_map(|before| values.iter().map(move |value| with(before, value))).collect()
            }),
            Method::Random { count, seed } => {
                let value = |draw: u32, (place, Parameter { name, values }): (u32, &Parameter)| {
                    (name.clone(), values.draw(seed, place, draw))
                };
                let draw = |draw: u32| (0..).zip(&self.parameters).map(|parameter| value(draw, parameter)).collect();
                (0..count as u32).map(draw).collect()
            }
            Method::Tpe { .. } => Vec::new(),
        };
        let seeds: Vec<Option<u32>> = match self.seeds.as_slice() {
            [] => vec![None],
            seeds => seeds.iter().copied().map(Some).collect(),
        };
        let folds: Vec<Option<usize>> = self.folds.map_or_else(|| vec![None], |folds| (0..folds).map(Some).collect());
        let mut assignments = Vec::new();
        for configuration in configurations {
            for seed in &seeds {
                let seed = seed.map(|seed| ("seed".to_owned(), Value::Integer(seed.into())));
                let values: BTreeMap<String, Value> = configuration.clone().into_iter().chain(seed).collect();
                assignments.extend(folds.iter().map(|fold| Assignment { values: values.clone(), fold: *fold }));
            }
        }
        assignments
    }

    /// Whether what is drawn may be drawn twice.
    pub fn is_random(&self) -> bool {
        self.method != Method::Grid
    }

    /// Whether there are no configurations before the first of them was trained.
    pub fn is_search(&self) -> bool {
        matches!(self.method, Method::Tpe { .. })
    }

    /// The space as that of a search.
    ///
    /// # Errors
    /// In the words `problem; remedy`, of a grid, and of what repeats configurations.
    pub fn search(&self) -> std::result::Result<Search, String> {
        const SWEEPS: &str = "is for 'gpu-fmnist sweep new'";
        if !self.seeds.is_empty() || self.folds.is_some() {
            let key = if self.folds.is_some() { "folds" } else { "seeds" };
            return Err(format!("{key} {SWEEPS}; leave it out, or put a seed into [parameters]"));
        }
        match self.method {
            Method::Grid => Err(format!("method is \"grid\", which {SWEEPS}; give \"tpe\" or \"random\", and count")),
            Method::Random { count, seed } => Ok(Search { method: "random", count, seed }),
            Method::Tpe { count, seed } => Ok(Search { method: "tpe", count, seed }),
        }
    }
}

/// Takes a key's value out of the file.
fn taken<'a, T: serde::Deserialize<'a>>(
    file: &mut Table,
    key: &str,
    wanted: &str,
) -> std::result::Result<Option<T>, String> {
    let Some(value) = file.remove(key) else { return Ok(None) };
    let shown = shown(&value);
    value.try_into().map(Some).map_err(|_| format!("{key} is {shown}; give {wanted}"))
}

fn seeds(file: &mut Table) -> std::result::Result<Vec<u32>, String> {
    const WANTED: &str = "how many, or a list of whole numbers";
    let seeds: Vec<u32> = match file.get("seeds") {
        None => return Ok(Vec::new()),
        Some(Value::Array(_)) => taken(file, "seeds", WANTED)?.unwrap_or_default(),
        Some(_) => (0..taken::<u32>(file, "seeds", WANTED)?.unwrap_or_default().min(2 * MOST_TASKS as u32)).collect(),
    };
    if seeds.is_empty() { Err(format!("seeds has none; give {WANTED}")) } else { Ok(seeds) }
}

fn method(file: &mut Table) -> std::result::Result<Method, String> {
    const METHODS: [&str; 3] = ["grid", "random", "tpe"];
    let kind: String = taken(file, "method", "\"grid\", \"random\" or \"tpe\"")?.unwrap_or_else(|| "grid".into());
    let count: Option<usize> = taken(file, "count", "a whole number, 1 or more")?;
    let seed: Option<u32> = taken(file, "seed", "a whole number")?;
    match (kind.as_str(), count) {
        ("grid", None) if seed.is_none() => Ok(Method::Grid),
        ("grid", _) => {
            Err("count and seed are for method = \"random\"; leave them out, or put a run's seed into [parameters]"
                .into())
        }
        ("random", Some(count @ 1..)) => Ok(Method::Random { count, seed: seed.unwrap_or(0).into() }),
        ("tpe", Some(count @ 1..)) => Ok(Method::Tpe { count, seed: seed.unwrap_or(0).into() }),
        ("random" | "tpe", _) => Err("count is missing or 0; give how many configurations are to be drawn".into()),
        (other, _) => {
            Err(format!("method is \"{other}\"{}; give \"grid\", \"random\" or \"tpe\"", nearest(other, &METHODS)))
        }
    }
}

fn parameters(file: &mut Table) -> std::result::Result<Vec<Parameter>, String> {
    let table = match file.remove("parameters") {
        Some(Value::Table(table)) => table,
        Some(_) => return Err("parameters is no table; write [parameters] and a line for each".into()),
        None => Table::new(),
    };
    let mut found = Vec::new();
    flatten("", &table, &mut found)?;
    Ok(found)
}

/// The parameters in a table: those of `optimizer.momentum` and `layers.NAME.KEY` are in tables of their own.
fn flatten(above: &str, table: &Table, found: &mut Vec<Parameter>) -> std::result::Result<(), String> {
    for (key, value) in table {
        let name = format!("{above}{key}");
        let fail = |problem: String| format!("[parameters]: {name}: {problem}");
        let holds_others = match above {
            // There is an option called schedule, too.
            "" => value.is_table() && (key == "layers" || SECTIONS.iter().any(|section| section.name == key)),
            _ => above == "layers.",
        };
        match value {
            Value::Table(inner) if holds_others => flatten(&format!("{name}."), inner, found)?,
            _ if holds_others => return Err(fail("has keys of its own; give values for each by itself".into())),
            Value::Table(inner) if above.is_empty() && !inner.keys().any(|key| Values::is_kind(key)) => {
                let sections: Vec<&str> = SECTIONS.iter().map(|section| section.name).chain(["layers"]).collect();
                let problem = match nearest(key, &sections).as_str() {
                    "" => Values::parse(value).err().unwrap_or_default(),
                    hint => format!("unknown key \"{key}\"{hint}; there are {}", sections.join(", ")),
                };
                return Err(fail(problem));
            }
            _ => {
                let values = Values::parse(value).map_err(fail)?;
                found.push(Parameter { name, values });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> std::result::Result<Space, String> {
        Space::parse("rates", text)
    }

    #[test]
    fn a_grid_is_all_combinations_with_all_seeds_and_folds() {
        let text = "seeds = 2\nfolds = 3\n[parameters]\nmodel = 'a.toml'\nepochs = [1, 2]\noptimizer.momentum = [0.5, 0.9]\n\
                    layers.values.units = [4]\nlayers.uniform.rate = { values = [0.5] }";
        let space = parse(text).unwrap();
        let names: Vec<&str> = space.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        assert_eq!(names, ["epochs", "layers.uniform.rate", "layers.values.units", "model", "optimizer.momentum"]);
        assert_eq!(parse("[parameters]\nschedule = ['cosine', 'constant']").unwrap().assignments().len(), 2);
        let all = space.assignments();
        assert_eq!((all.len(), space.name.as_str(), space.metric), (24, "rates", Monitor::ValAccuracy));
        let of = |place: usize, name: &str| shown(&all[place].values[name]);
        assert_eq!(
            (of(0, "epochs"), of(0, "optimizer.momentum"), of(0, "seed")),
            ("1".into(), "0.5".into(), "0".into())
        );
        assert_eq!((of(3, "seed"), all[3].fold, all[4].fold), ("1".into(), Some(0), Some(1)));
        assert_eq!((of(6, "optimizer.momentum"), of(12, "epochs")), ("0.9".into(), "2".into()));
    }

    #[test]
    fn more_draws_begin_with_the_same() {
        let text = |count: usize| {
            format!(
                "method = 'random'\ncount = {count}\nseed = 3\n[parameters]\nlearning_rate = {{ log_uniform = [1e-4, 1] }}"
            )
        };
        let (few, many) = (parse(&text(3)).unwrap().assignments(), parse(&text(9)).unwrap().assignments());
        assert_eq!((few.len(), many.len()), (3, 9));
        assert_eq!(few, many[..3]);
    }

    #[test]
    fn a_search_draws_one_after_the_other() {
        let tpe = parse("method = 'tpe'\ncount = 3\nseed = 4\n[parameters]\nepochs = { integers = [1, 3] }").unwrap();
        assert_eq!(tpe.search(), Ok(Search { method: "tpe", count: 3, seed: 4 }));
        assert!(tpe.is_search() && tpe.assignments().is_empty());
        let random = parse("method = 'random'\ncount = 3").unwrap();
        assert_eq!(random.search(), Ok(Search { method: "random", count: 3, seed: 0 }));
        assert!(!random.is_search());
        for (text, part) in [
            ("", "method is \"grid\", which is for 'gpu-fmnist sweep new'; give"),
            ("method = 'tpe'\ncount = 3\nseeds = 2", "seeds is for 'gpu-fmnist sweep new'; leave it out"),
            ("method = 'tpe'\ncount = 3\nfolds = 2", "folds is for 'gpu-fmnist sweep new'; leave it out"),
        ] {
            let error = parse(text).unwrap().search().unwrap_err();
            assert!(error.contains(part), "no '{part}' in: {error}");
        }
    }

    #[test]
    fn what_a_file_may_not_say_is_said() {
        for (text, part) in [
            ("learning_rate = 1", "unknown key \"learning_rate\"; there are name, method,"),
            ("metod = 'grid'", "unknown key \"metod\" (did you mean \"method\"?)"),
            ("x = [", "no TOML ("),
            ("name = 'a/b'", "name is \"a/b\"; give one that a folder may have"),
            ("method = 'rand'", "method is \"rand\" (did you mean \"random\"?); give"),
            ("method = 'tpe'", "count is missing or 0; give how many"),
            ("method = 'random'", "count is missing or 0; give"),
            ("method = 'random'\ncount = -1", "count is -1; give a whole number"),
            ("count = 3", "are for method = \"random\"; leave them out"),
            ("metric = 'acc'", "metric is acc; give val_accuracy, val_loss"),
            ("seeds = []", "seeds has none; give how many"),
            ("seeds = 0", "seeds has none; give how many"),
            ("seeds = 'x'", "seeds is x; give how many"),
            ("folds = 1", "folds is less than 2"),
            ("folds = 2\n[parameters]\nvalidation_fraction = 0.1", "validation_fraction is of no use to folds"),
            ("seeds = 2\n[parameters]\nseed = 1", "seeds, and [parameters] has a seed; give one"),
            ("parameters = 1", "parameters is no table; write [parameters]"),
            ("[parameters]\nepochs = []", "[parameters]: epochs: no values; give"),
            ("[parameters]\nepochs = {}", "[parameters]: epochs: not one range; give"),
            (
                "[parameters]\nepochs = { integers = [1, 3] }",
                "epochs is a range, which has no grid; give a list, or method",
            ),
            ("[parameters]\nlearning_rate = { loguniform = [1, 3] }", "(did you mean \"log_uniform\"?)"),
            (
                "[parameters]\noptimiser.momentum = [1]",
                "optimiser: unknown key \"optimiser\" (did you mean \"optimizer\"?)",
            ),
            (
                "[parameters]\noptimizer.momentum = { unifrom = [0, 1] }",
                "optimizer.momentum: unknown key \"unifrom\" (did",
            ),
            ("[parameters]\nlayers.dense = 3", "layers.dense: has keys of its own; give"),
            ("seeds = 100\nfolds = 100", "10000 tasks; give fewer values, 4096 at most"),
            ("[pruning]\ntype = 'medain'", "[pruning]: type is \"medain\" (did you mean \"median\"?)"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part) && error.lines().count() == 1, "no '{part}' in: {error}");
        }
    }
}
