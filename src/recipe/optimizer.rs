//! What moves the weights: how the section `[optimizer]` is spelt.

use super::Section;
use crate::layers::Kind;

/// Without a type it is Adam's.
pub(super) const SECTION: Section = Section {
    name: "optimizer",
    keys: &[
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
    ],
    types: &[
        ("adam", &["beta_1", "beta_2", "epsilon"]),
        ("adamw", &["beta_1", "beta_2", "epsilon"]),
        ("sgd", &["momentum", "nesterov"]),
    ],
};

#[cfg(test)]
mod tests {
    use toml::Table;

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
            let (kind, own) = SECTION.types.iter().find(|(kind, _)| whole["type"].as_str() == Some(*kind)).unwrap();
            assert_eq!(SECTION.check_type(&whole), Ok(()), "{kind}");
            let known = |key: &str| {
                let of_all = SECTION.types.iter().all(|(_, keys)| !keys.contains(&key));
                of_all || own.contains(&key)
            };
            let mut keys: Vec<&str> = SECTION.keys.iter().map(|(key, _)| *key).filter(|key| known(key)).collect();
            keys.sort_unstable();
            assert_eq!(whole.keys().collect::<Vec<_>>(), keys, "{kind}");
            for (key, value) in &whole {
                let (_, allowed) = SECTION.keys.iter().find(|(own, _)| own == key).unwrap();
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
        let say = |text: &str| SECTION.check_type(&text.parse().unwrap()).unwrap_err();
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
        let (_, exclude) = SECTION.keys[7];
        for wrong in ["\"bias\"", "[\"kernel\"]", "[1]"] {
            assert!(!exclude.allows(&wrong.parse().unwrap()), "{wrong}");
        }
        assert_eq!(exclude.wanted(), "an array with any of \"bias\", \"gamma\", \"beta\"");
        assert!(toml::from_str::<Optimizer>("type = \"sgd\"\nbeta_1 = 0.9").is_err());
    }
}
