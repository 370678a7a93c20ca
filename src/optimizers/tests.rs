//! What any optimizer may have.

use super::*;

#[test]
fn states_go_by_these_names_in_files() {
    let names = |optimizer: Optimizer| optimizer.states().iter().map(|state| state.name).collect::<Vec<_>>();
    let sgd = |momentum| Optimizer::from(Algorithm::Sgd(Sgd { momentum, ..Sgd::default() }));
    assert_eq!(names(Optimizer::default()), ["first_moment", "second_moment"]);
    let adamw = Optimizer { ema_momentum: 0.9, ..Algorithm::AdamW(AdamW::default()).into() };
    assert_eq!(names(adamw), ["first_moment", "second_moment", "average"]);
    assert_eq!(names(sgd(0.0)), [""; 0]);
    assert_eq!(names(sgd(0.9)), ["velocity"]);
    assert_eq!(names(Optimizer { ema_momentum: 0.9, ..sgd(0.0) }), ["average"]);
}

/// The rate alone where there is nothing else, so that the update of Keras' Adam is as it always was.
#[test]
fn a_step_has_the_numbers_that_are_used() {
    let places = |optimizer: &Optimizer| (optimizer.numbers(false).decay, optimizer.numbers(false).factor);
    let plain = Optimizer::default();
    assert_eq!((places(&plain), plain.step(1e-3, 1, false)), ((None, None), vec![3.162_277_6e-4]));
    let sgd = Algorithm::Sgd(Sgd { weight_decay: 0.5, ..Sgd::default() });
    let decayed = Optimizer::from(sgd);
    assert_eq!((places(&decayed), decayed.step(0.25, 9, false)), ((Some(1), None), vec![0.25, 0.125]));
    let both = Optimizer { global_clipnorm: 2.0, ..decayed };
    assert_eq!((places(&both), both.step(0.25, 9, false)), ((Some(1), Some(2)), vec![0.25, 0.125, 1.0]));
    let clipped = Optimizer { global_clipnorm: 2.0, ..plain };
    assert_eq!((places(&clipped), clipped.step(1e-3, 1, false)), ((None, Some(1)), vec![3.162_277_6e-4, 1.0]));
}

/// As Keras 3 spells them.
#[test]
fn defaults_are_those_of_keras() {
    let json = |text: &str| serde_json::from_str::<Optimizer>(text).unwrap();
    assert_eq!(json(r#"{"type": "adam"}"#), Optimizer::default());
    let Algorithm::AdamW(AdamW { beta_1, beta_2, epsilon, weight_decay }) = json(r#"{"type": "adamw"}"#).algorithm
    else {
        panic!("another type")
    };
    assert_eq!((beta_1, beta_2, epsilon, weight_decay), (0.9, 0.999, 1e-7, 0.004));
    assert_eq!(json(r#"{"type": "sgd"}"#), Algorithm::Sgd(Sgd::default()).into());
    assert_eq!(Sgd::default(), Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 });
}

#[test]
fn what_is_written_is_read() {
    let sgd = Algorithm::Sgd(Sgd { momentum: 0.9, nesterov: true, weight_decay: 5e-4 });
    let exclude = vec![Undecayed::Gamma, Undecayed::Bias];
    let optimizer =
        Optimizer { algorithm: sgd, weight_decay_exclude: exclude, global_clipnorm: 1.0, ema_momentum: 0.99 };
    let text = serde_json::to_string(&optimizer).unwrap();
    assert_eq!(
        text,
        r#"{"type":"sgd","momentum":0.9,"nesterov":true,"weight_decay":0.0005,"weight_decay_exclude":["gamma","bias"],"global_clipnorm":1.0,"ema_momentum":0.99}"#
    );
    assert_eq!(serde_json::from_str::<Optimizer>(&text).unwrap(), optimizer);
    assert!(serde_json::from_str::<Optimizer>(&text.replace("momentum\":0.9", "momentum\":\"a\"")).is_err());
    assert!(serde_json::from_str::<Optimizer>(&text.replace("gamma", "kernel")).is_err());
    assert!(serde_json::from_str::<Optimizer>(&text.replace("nesterov", "beta_1")).is_err());
}
