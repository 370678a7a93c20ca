//! Beta(alpha, alpha), from the operations that are rounded alike everywhere and `libm`'s functions alone: every platform
//! draws the same numbers.

use libm::{exp, log};

use crate::random::Sequence;

/// A number of Beta(alpha, alpha), in 0 to 1; `alpha` is positive.
pub fn beta(random: &mut Sequence, alpha: f64) -> f64 {
    match alpha {
        ..1.0 => by_johnk(random, alpha),
        1.0 => random.fraction(),
        _ => by_cheng(random, alpha),
    }
}

/// Jöhnk (1964), "Erzeugung von betaverteilten und gammaverteilten Zufallszahlen"; by logarithms, since the powers of a
/// small alpha's inverse are soon 0.
fn by_johnk(random: &mut Sequence, alpha: f64) -> f64 {
    loop {
        let [x, y] = [(); 2].map(|()| log(1.0 - random.fraction()) / alpha);
        let largest = x.max(y);
        let sum = largest + log(exp(x - largest) + exp(y - largest));
        if sum <= 0.0 {
            return exp(x - sum);
        }
    }
}

/// Cheng (1978), "Generating beta variates with nonintegral shape parameters", algorithm BB, for equal parameters.
fn by_cheng(random: &mut Sequence, alpha: f64) -> f64 {
    let inverse = 1.0 / alpha.sqrt();
    let slope = alpha + 1.0 / inverse;
    loop {
        let [first, second] = [(); 2].map(|()| 1.0 - random.fraction());
        let v = inverse * log(first / (1.0 - first));
        let w = alpha * exp(v);
        let z = log(first * first * second);
        let r = slope * v - log(4.0);
        if r + 2.0 * alpha * log(2.0 * alpha / (alpha + w)) >= z {
            return w / (alpha + w);
        }
    }
}
