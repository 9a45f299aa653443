//! Medians, and ratios of figures that were taken in the same round.

/// What a set of figures comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Half of the figures are no greater, half are no less; of an even number, the middle of the two middle ones.
    pub median: f64,
    /// The least figure.
    pub least: f64,
    /// The greatest figure.
    pub greatest: f64,
}

/// Sums up the figures that are numbers; `None` where there are none.
pub fn summary(figures: impl IntoIterator<Item = f64>) -> Option<Summary> {
    let figures = figures.into_iter().filter(|figure| figure.is_finite());
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_by(f64::total_cmp);
    let (least, greatest) = (*sorted.first()?, *sorted.last()?);
    let middle = sorted.len() / 2;
    let median = f64::midpoint(sorted[middle], sorted[(sorted.len() - 1) / 2]);
    Some(Summary {
        median,
        least,
        greatest,
    })
}

/// The ratios of ours to theirs, of the rounds in which both have a figure.
pub fn ratios(ours: &[Option<f64>], theirs: &[Option<f64>]) -> Vec<f64> {
    let rounds = ours.iter().zip(theirs);
    let of_round = |(ours, theirs): (&Option<f64>, &Option<f64>)| {
        let (ours, theirs) = ((*ours)?, (*theirs)?);
        (theirs > 0.0).then(|| ours / theirs)
    };
    rounds.filter_map(of_round).collect()
}
