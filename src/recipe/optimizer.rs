//! What moves the weights: how the section `[optimizer]` is spelt.

use toml::Table;

use crate::layers::{Key, Kind};

/// The keys of the section. Those that not every type has are [`OWN_KEYS`].
pub const OPTIMIZER_KEYS: [Key; 10] = [
    ("type", Kind::Choice(&["adam", "adamw", "sgd"])),
    ("beta_1", Kind::Rate),
    ("beta_2", Kind::Rate),
    ("epsilon", Kind::Number),
    ("momentum", Kind::Rate),
    ("nesterov", Kind::Flag),
    ("weight_decay", Kind::Number),
    ("weight_decay_exclude", Kind::Several(&["bias", "gamma", "beta"])),
    ("global_clipnorm", Kind::Number),
    ("ema_momentum", Kind::Rate),
];

/// Types, and the keys that others do not have.
const OWN_KEYS: [(&str, &[&str]); 3] = [
    ("adam", &["beta_1", "beta_2", "epsilon"]),
    ("adamw", &["beta_1", "beta_2", "epsilon"]),
    ("sgd", &["momentum", "nesterov"]),
];

/// Says which key of the section is another type's. Without a type it is Adam's.
///
/// # Errors
/// In the words `problem; remedy`.
pub fn check_optimizer_keys(section: &Table) -> Result<(), String> {
    let kind = section.get("type").and_then(toml::Value::as_str).unwrap_or("adam");
    let is_own = |key: &str, of: &str| OWN_KEYS.iter().any(|(kind, keys)| *kind == of && keys.contains(&key));
    let misplaced = |key: &str| {
        let owners: Vec<&str> = OWN_KEYS.iter().map(|(kind, _)| *kind).filter(|kind| is_own(key, kind)).collect();
        (!owners.is_empty() && !is_own(key, kind)).then(|| owners.join("\" or \""))
    };
    match section.keys().find_map(|key| Some((key, misplaced(key)?))) {
        Some((key, owners)) => Err(format!("{kind} has no {key}; leave it out, or give type = \"{owners}\"")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizers::{Adam, AdamW, Algorithm, Optimizer, Sgd, Undecayed};

    fn optimizers() -> [Optimizer; 3] {
        let of = |algorithm| Optimizer { weight_decay_exclude: Undecayed::ALL.to_vec(), ..Optimizer::from(algorithm) };
        [Algorithm::Adam(Adam::default()), Algorithm::AdamW(AdamW::default()), Algorithm::Sgd(Sgd::default())].map(of)
    }

    #[test]
    fn the_keys_are_serdes_own_and_each_has_a_default() {
        for optimizer in optimizers() {
            let whole = Table::try_from(&optimizer).unwrap();
            let (kind, own) = OWN_KEYS.into_iter().find(|(kind, _)| whole["type"].as_str() == Some(kind)).unwrap();
            assert_eq!(check_optimizer_keys(&whole), Ok(()), "{kind}");
            let known = |key: &str| {
                let of_all = OWN_KEYS.iter().all(|(_, keys)| !keys.contains(&key));
                of_all || own.contains(&key)
            };
            let mut keys: Vec<&str> = OPTIMIZER_KEYS.map(|(key, _)| key).into_iter().filter(|key| known(key)).collect();
            keys.sort_unstable();
            assert_eq!(whole.keys().collect::<Vec<_>>(), keys, "{kind}");
            for (key, value) in &whole {
                let (_, allowed) = OPTIMIZER_KEYS.iter().find(|(own, _)| own == key).unwrap();
                assert!(allowed.allows(value), "{kind}: {key} = {value}");
                let mut without = whole.clone();
                without.remove(key);
                let read = without.try_into::<Optimizer>();
                match key.as_str() {
                    "type" => assert!(read.is_err()),
                    "weight_decay_exclude" => assert!(read.unwrap().weight_decay_exclude.is_empty()),
                    _ => assert_eq!(read.unwrap(), optimizer, "{kind} without {key}"),
                }
            }
        }
    }

    #[test]
    fn a_key_of_another_type_is_named_with_its_type() {
        let say = |text: &str| check_optimizer_keys(&text.parse().unwrap()).unwrap_err();
        assert_eq!(
            say("type = \"sgd\"\nbeta_1 = 0.8"),
            "sgd has no beta_1; leave it out, or give type = \"adam\" or \"adamw\""
        );
        assert_eq!(say("momentum = 0.9"), "adam has no momentum; leave it out, or give type = \"sgd\"");
    }

    #[test]
    fn whole_numbers_and_kinds_of_variables_are_read() {
        let text = "type = \"sgd\"\nmomentum = 0\nglobal_clipnorm = 1\nweight_decay_exclude = [\"bias\", \"gamma\"]";
        let optimizer: Optimizer = toml::from_str(text).unwrap();
        assert_eq!((optimizer.global_clipnorm, optimizer.decays("bias")), (1.0, false));
        assert!(optimizer.decays("beta") && optimizer.decays("kernel") && !optimizer.decays("gamma"));
        let (_, exclude) = OPTIMIZER_KEYS[7];
        for wrong in ["\"bias\"", "[\"kernel\"]", "[1]"] {
            assert!(!exclude.allows(&wrong.parse().unwrap()), "{wrong}");
        }
        assert_eq!(exclude.wanted(), "an array with any of \"bias\", \"gamma\", \"beta\"");
        assert!(toml::from_str::<Optimizer>("type = \"sgd\"\nbeta_1 = 0.9").is_err());
    }
}
