//! The classification report, in scikit-learn's form: `sklearn.metrics.classification_report(digits=2)`.

use serde::Serialize;

use super::Confusion;

/// Scores of a class, or a mean of them. A ratio without a denominator is 0, as scikit-learn's `zero_division` is by
/// default.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// Of the samples taken for the class, the part that is of it.
    pub precision: f64,
    /// Of the class' samples, the part taken for it.
    pub recall: f64,
    /// The harmonic mean of precision and recall.
    #[serde(rename = "f1-score")]
    pub f1_score: f64,
    /// The class' samples.
    pub support: u64,
}

/// The scores of all classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub classes: Vec<Scores>,
    pub accuracy: f64,
    /// Each class counts the same.
    pub macro_average: Scores,
    /// Each sample counts the same.
    pub weighted_average: Scores,
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The mean of scores, each with its weight.
fn average(classes: &[Scores], weight: impl Fn(&Scores) -> f64) -> Scores {
    let whole: f64 = classes.iter().map(&weight).sum();
    let mean = |score: fn(&Scores) -> f64| {
        let sum: f64 = classes.iter().map(|scores| score(scores) * weight(scores)).sum();
        if whole == 0.0 { 0.0 } else { sum / whole }
    };
    Scores {
        precision: mean(|scores| scores.precision),
        recall: mean(|scores| scores.recall),
        f1_score: mean(|scores| scores.f1_score),
        support: classes.iter().map(|scores| scores.support).sum(),
    }
}

impl Report {
    pub fn new(confusion: &Confusion) -> Self {
        let scores = |class: usize| {
            let (correct, actual) = (confusion.count(class, class), confusion.actual(class));
            let predicted = confusion.predicted(class);
            Scores {
                precision: ratio(correct, predicted),
                recall: ratio(correct, actual),
                f1_score: ratio(2 * correct, actual + predicted),
                support: actual,
            }
        };
        let classes: Vec<Scores> = (0..confusion.classes).map(scores).collect();
        Self {
            accuracy: ratio(confusion.correct(), confusion.total()),
            macro_average: average(&classes, |_| 1.0),
            weighted_average: average(&classes, |scores| scores.support as f64),
            classes,
        }
    }

    /// scikit-learn's text, with a name for each class.
    pub fn text(&self, names: &[String]) -> String {
        let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let width = longest.max("weighted avg".len());
        let line = |name: &str, scores: &Scores| {
            let Scores { precision, recall, f1_score, support } = scores;
            format!("{name:>width$}  {precision:>9.2} {recall:>9.2} {f1_score:>9.2} {support:>9}\n")
        };
        let [precision, recall, f1_score, support] = ["precision", "recall", "f1-score", "support"];
        let head = format!("{:>width$}  {precision:>9} {recall:>9} {f1_score:>9} {support:>9}\n\n", "");
        let classes: String = names.iter().zip(&self.classes).map(|(name, scores)| line(name, scores)).collect();
        let total = self.macro_average.support;
        let accuracy = format!("{:>width$}  {:>9} {:>9} {:>9.2} {total:>9}\n", "accuracy", "", "", self.accuracy);
        let averages = line("macro avg", &self.macro_average) + &line("weighted avg", &self.weighted_average);
        format!("{head}{classes}\n{accuracy}{averages}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Predictions;

    /// What scikit-learn 1.9 prints for `classification_report([0, 0, 0, 0, 1, 1, 2, 2], [0, 0, 0, 1, 1, 1, 0, 1])` with
    /// these names: class 2 is never predicted.
    #[test]
    fn the_text_is_scikit_learns() {
        let predicted = [0, 0, 0, 1, 1, 1, 0, 1];
        let logits: Vec<f32> = predicted
            .iter()
            .flat_map(|&class| (0..3).map(move |other| if other == class { 9.0 } else { 0.0 }))
            .collect();
        let predictions = Predictions::from_logits((0..8).collect(), vec![0, 0, 0, 0, 1, 1, 2, 2], 3, &logits);
        let names = ["Bag", "Coat", "T-shirt/top with a long name"].map(str::to_owned);
        let expected = concat!(
            "                              precision    recall  f1-score   support\n",
            "\n",
            "                         Bag       0.75      0.75      0.75         4\n",
            "                        Coat       0.50      1.00      0.67         2\n",
            "T-shirt/top with a long name       0.00      0.00      0.00         2\n",
            "\n",
            "                    accuracy                           0.62         8\n",
            "                   macro avg       0.42      0.58      0.47         8\n",
            "                weighted avg       0.50      0.62      0.54         8\n",
        );
        assert_eq!(Report::new(&Confusion::new(&predictions)).text(&names), expected);
    }
}
