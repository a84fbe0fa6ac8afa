//! Medians with spread, as a table or as JSON lines.

/// The outcomes of the rounds of one measurement.
#[derive(Default)]
pub(crate) struct Figure(Vec<f64>);

impl Figure {
    pub(crate) fn add(&mut self, outcome: f64) {
        self.0.push(outcome);
        self.0.sort_by(f64::total_cmp);
    }

    fn spread(&self) -> (f64, f64, f64) {
        let at = |index: usize| self.0.get(index).copied().unwrap_or(f64::NAN);
        (at(0), at(self.0.len() / 2), at(self.0.len().saturating_sub(1)))
    }
}

/// All that was measured.
#[derive(Default)]
pub(crate) struct Report(Vec<(String, String, &'static str, Figure)>);

impl Report {
    pub(crate) fn line(&mut self, group: &str, what: &str, unit: &'static str, figure: Figure) {
        self.0.push((group.to_owned(), what.to_owned(), unit, figure));
    }

    pub(crate) fn print(&self, json: bool) {
        for (group, what, unit, figure) in &self.0 {
            let (least, median, most) = figure.spread();
            if json {
                let line = serde_json::json!({
                    "group": group, "what": what, "unit": unit, "median": median, "min": least, "max": most,
                    "rounds": figure.0.len(),
                });
                println!("{line}");
            } else if *unit == "ratio" {
                println!("{what:<72} {median:>10.2} {unit:<10} ({least:.2} .. {most:.2})");
            } else {
                println!("{what:<72} {median:>10.0} {unit:<10} ({least:.0} .. {most:.0})");
            }
        }
    }
}
