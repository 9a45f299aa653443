//! Small plots as SVG, for the documentation: lines over a logarithmic axis, and groups of bars.
//!
//! A plot stands alone: no scripts, no fonts from elsewhere, colours for light and dark. Series differ by the shape of
//! their marks as well as by colour. What is not finite is left out.

use std::fmt::Write as _;

/// A line: its name in the legend, and its points.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// What the legend calls it.
    pub(crate) name: String,
    /// (x, y), in the order in which they are joined. Only points with x > 0 can be drawn.
    pub(crate) points: Vec<(f64, f64)>,
}

/// Bars that stand together: their label under the axis, and a value for each name of the legend.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// What stands under the bars.
    pub(crate) label: String,
    /// One for each series; `None` where there is no value.
    pub(crate) values: Vec<Option<f64>>,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 736.0;
const BOTTOM: f64 = 352.0;
/// Where the legend's first row stands; the axes begin below its last one.
const LEGEND_TOP: f64 = 56.0;
const ROW: f64 = 20.0;
/// What a letter of the legend is wide, roughly, in pixels.
const LETTER: f64 = 7.2;
/// How many looks there are; a series beyond them looks like an earlier one.
const LOOKS: usize = 6;

const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#24292f}\
.t{font-size:16px;font-weight:600}\
.back{fill:#fff}.grid{stroke:#d8dee4}.axis{stroke:#57606a}\
.line{fill:none;stroke-width:2}.mid{text-anchor:middle}.end{text-anchor:end}\
.s0{--c:#0969da}.s1{--c:#bc4c00}.s2{--c:#1a7f37}.s3{--c:#8250df}.s4{--c:#bf3989}.s5{--c:#6e7781}\
.line{stroke:var(--c)}.mark{fill:var(--c)}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.back{fill:#0d1117}.grid{stroke:#30363d}.axis{stroke:#8b949e}\
.s0{--c:#58a6ff}.s1{--c:#f0883e}.s2{--c:#3fb950}.s3{--c:#bc8cff}.s4{--c:#f778ba}.s5{--c:#9ea7b3}}";

/// Lines over a logarithmic x axis; the y axis is linear and begins at 0, so that flat looks flat.
pub(crate) fn lines(title: &str, x_label: &str, y_label: &str, series: &[Series]) -> String {
    let drawn: Vec<Vec<(f64, f64)>> = series.iter().map(drawable).collect();
    let points = || drawn.iter().flatten();
    let (low, high) = decades(points().map(|point| point.0));
    let top = nice_above(points().map(|point| point.1).fold(0.0, f64::max));
    let names: Vec<&str> = series.iter().map(|one| one.name.as_str()).collect();
    let mut page = Page::begin(title, x_label, y_label, &names);
    page.y_axis(top);
    let x = |value: f64| LEFT + (RIGHT - LEFT) * (value.log10() - low) / (high - low);
    let mut decade = low;
    while decade <= high {
        let at = x(10_f64.powf(decade));
        page.tick_x(at, &short(10_f64.powf(decade)));
        decade += 1.0;
    }
    for (look, points) in drawn.iter().enumerate() {
        let places: Vec<(f64, f64)> = points
            .iter()
            .map(|(over, value)| (x(*over), page.y(*value, top)))
            .collect();
        page.line(look, &places);
    }
    page.end()
}

/// Bars in groups, one bar for each of `names`.
pub(crate) fn bars(title: &str, y_label: &str, names: &[&str], groups: &[Group]) -> String {
    let values = groups.iter().flat_map(|group| &group.values);
    let highest = values.flatten().copied().filter(|value| value.is_finite());
    let top = nice_above(highest.fold(0.0, f64::max));
    let mut page = Page::begin(title, "", y_label, names);
    page.y_axis(top);
    let room = (RIGHT - LEFT) / count(groups.len().max(1));
    let bar = room * 0.8 / count(names.len().max(1));
    for (place, group) in groups.iter().enumerate() {
        let from = LEFT + room * count(place);
        page.tick_x(from + room / 2.0, &group.label);
        for (look, value) in group.values.iter().enumerate() {
            let Some(value) = value.filter(|value| value.is_finite()) else {
                continue;
            };
            let (x, y) = (
                from + room * 0.1 + bar * count(look),
                page.y(value.max(0.0), top),
            );
            page.put(format_args!(
                "<rect class=\"mark s{}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>\n",
                look % LOOKS,
                bar * 0.92,
                BOTTOM - y
            ));
        }
    }
    page.end()
}

/// What is written, and where the axes begin below the legend.
struct Page {
    svg: String,
    top: f64,
}

impl Page {
    fn begin(title: &str, x_label: &str, y_label: &str, names: &[&str]) -> Self {
        let mut page = Self {
            svg: String::new(),
            top: LEGEND_TOP,
        };
        let title = escaped(title);
        page.put(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
             height=\"{HEIGHT}\" role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
             <rect class=\"back\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\"/>\n\
             <text class=\"t\" x=\"16\" y=\"28\">{title}</text>\n"
        ));
        page.legend(names);
        page.text("mid", f64::midpoint(LEFT, RIGHT), HEIGHT - 18.0, x_label);
        page.text("", 16.0, page.top - 10.0, y_label);
        page
    }

    /// The names with their marks, in as many rows as they need; then a row for the label of the y axis.
    fn legend(&mut self, names: &[&str]) {
        let mut x = 16.0;
        let mut y = LEGEND_TOP - 6.0;
        for (look, name) in names.iter().enumerate() {
            let wide = 34.0 + LETTER * count(name.chars().count());
            if x + wide > RIGHT && x > 16.0 {
                x = 16.0;
                y += ROW;
            }
            self.mark(look, x + 6.0, y - 4.0);
            self.text("", x + 16.0, y, name);
            x += wide;
        }
        self.top = y + ROW + 18.0;
    }

    fn y(&self, value: f64, highest: f64) -> f64 {
        BOTTOM - (BOTTOM - self.top) * value / highest
    }

    fn y_axis(&mut self, highest: f64) {
        for step in 0..=5_u8 {
            let value = highest * f64::from(step) / 5.0;
            let y = self.y(value, highest);
            let class = if step == 0 { "axis" } else { "grid" };
            self.put(format_args!(
                "<path class=\"{class}\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/>\n"
            ));
            self.text("end", LEFT - 8.0, y + 4.0, &short(value));
        }
    }

    fn tick_x(&mut self, x: f64, label: &str) {
        self.put(format_args!(
            "<path class=\"axis\" d=\"M{x:.1} {BOTTOM}v5\"/>\n"
        ));
        self.text("mid", x, BOTTOM + 22.0, label);
    }

    fn line(&mut self, look: usize, points: &[(f64, f64)]) {
        let mut path = String::new();
        for (x, y) in points {
            let turn = if path.is_empty() { 'M' } else { 'L' };
            let _ = write!(path, "{turn}{x:.1} {y:.1}");
        }
        if points.len() > 1 {
            self.put(format_args!(
                "<path class=\"line s{}\" d=\"{path}\"/>\n",
                look % LOOKS
            ));
        }
        for (x, y) in points {
            self.mark(look, *x, *y);
        }
    }

    /// A mark of about 8 pixels around a place, of a shape of the series' own.
    fn mark(&mut self, look: usize, x: f64, y: f64) {
        let shape = match look % LOOKS {
            0 => "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
            1 => "m-4 -4h8v8h-8z",
            2 => "m0 -5l5 5l-5 5l-5 -5z",
            3 => "m0 -5l5 9h-10z",
            4 => "m0 5l5 -9h-10z",
            _ => "m-5 -2h10v4h-10z",
        };
        self.put(format_args!(
            "<path class=\"mark s{}\" d=\"M{x:.1} {y:.1}{shape}\"/>\n",
            look % LOOKS
        ));
    }

    fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        if !text.is_empty() {
            let text = escaped(text);
            self.put(format_args!(
                "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>\n"
            ));
        }
    }

    fn put(&mut self, what: std::fmt::Arguments<'_>) {
        let _ = self.svg.write_fmt(what);
    }

    fn end(mut self) -> String {
        self.svg.push_str("</svg>\n");
        self.svg
    }
}

fn drawable(series: &Series) -> Vec<(f64, f64)> {
    let points = series.points.iter().copied();
    points
        .filter(|(x, y)| x.is_finite() && *x > 0.0 && y.is_finite() && *y >= 0.0)
        .collect()
}

/// The powers of ten that enclose all values, at least one decade apart.
fn decades(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), value| {
        (low.min(value), high.max(value))
    });
    if !low.is_finite() {
        return (0.0, 1.0);
    }
    let (low, high) = (low.log10().floor(), high.log10().ceil());
    (low, if high > low { high } else { low + 1.0 })
}

/// The least round number above a value that five equal steps lead to.
fn nice_above(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let unit = 10_f64.powf(value.log10().floor());
    let rounds = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    let fits = rounds.into_iter().find(|round| round * unit >= value);
    fits.unwrap_or(20.0) * unit
}

/// A number for a tick: at most three digits behind the point, thousands with a comma.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        let left = whole.len().saturating_sub(place);
        if place > 0 && left.is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

/// A count as a number to reckon with; counts of a plot are small.
fn count(many: usize) -> f64 {
    u32::try_from(many).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, points: &[(f64, f64)]) -> Series {
        Series {
            name: name.to_owned(),
            points: points.to_vec(),
        }
    }

    /// Every place a path moves or draws to, absolutely.
    fn places(svg: &str) -> Vec<(f64, f64)> {
        let numbers = |text: &str| -> Option<(f64, f64)> {
            let (x, y) = text.split_once(' ')?;
            let y = y.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
            Some((x.parse().ok()?, y.parse().ok()?))
        };
        svg.split(['M', 'L']).filter_map(numbers).collect()
    }

    #[test]
    fn texts_are_escaped_wherever_they_stand() {
        let sharp = "<script>\"&</script>";
        let group = Group {
            label: sharp.to_owned(),
            values: vec![Some(1.0)],
        };
        for svg in [
            lines(sharp, sharp, sharp, &[series(sharp, &[(1.0, 1.0)])]),
            bars(sharp, sharp, &[sharp], &[group]),
        ] {
            assert!(!svg.contains("<script"), "{svg}");
            let escaped = "&lt;script&gt;&quot;&amp;&lt;/script&gt;";
            assert!(svg.matches(escaped).count() >= 5, "{svg}");
        }
    }

    #[test]
    fn every_point_lies_inside_of_the_picture() {
        let wide = series("wide", &[(1.0, 0.0), (50_000.0, 1234.5), (7.0, 0.001)]);
        let svg = lines("t", "x", "y", &[wide, series("one", &[(3.0, 2.0)])]);
        let places = places(&svg);
        assert!(places.len() > 10, "{svg}");
        for (x, y) in places {
            assert!((0.0..=WIDTH).contains(&x), "{x} in {svg}");
            assert!((0.0..=HEIGHT).contains(&y), "{y} in {svg}");
        }
    }

    #[test]
    fn what_is_no_number_is_left_out_and_nothing_at_all_can_be_drawn() {
        let odd = [
            (f64::NAN, 1.0),
            (1.0, f64::INFINITY),
            (0.0, 1.0),
            (-1.0, 1.0),
            (2.0, f64::NAN),
        ];
        let groups = [Group {
            label: "g".to_owned(),
            values: vec![Some(f64::NAN), None, Some(f64::INFINITY)],
        }];
        for svg in [
            lines("t", "x", "y", &[series("odd", &odd)]),
            lines("t", "x", "y", &[]),
            bars("t", "y", &["a", "b", "c"], &groups),
            bars("t", "y", &[], &[]),
        ] {
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            assert!(svg.ends_with("</svg>\n"));
        }
    }

    #[test]
    fn equal_values_lie_on_one_level_and_greater_ones_above() {
        let svg = lines("t", "x", "y", &[series("a", &[(1.0, 5.0), (100.0, 5.0)])]);
        let flat = svg
            .lines()
            .find(|line| line.contains("class=\"line"))
            .unwrap();
        let ys: Vec<f64> = places(flat).into_iter().map(|place| place.1).collect();
        assert_eq!(ys.len(), 2, "{flat}");
        assert!((ys[0] - ys[1]).abs() < 0.01);
        let page = Page::begin("t", "x", "y", &[]);
        assert!(page.y(2.0, 3.0) < page.y(1.0, 3.0));
    }

    #[test]
    fn ticks_are_round_and_short() {
        for (value, expected) in [
            (0.0, "0"),
            (0.25, "0.25"),
            (1.0, "1"),
            (1000.0, "1,000"),
            (50_000.0, "50,000"),
            (1_234_567.5, "1,234,567.5"),
        ] {
            assert_eq!(short(value), expected);
        }
        for (value, expected) in [
            (0.0, 1.0),
            (1.0, 1.0),
            (1.2, 1.5),
            (99.0, 100.0),
            (120.0, 150.0),
        ] {
            assert!((nice_above(value) - expected).abs() < 1e-9, "{value}");
        }
        assert_eq!(decades([1.0, 10_000.0].into_iter()), (0.0, 4.0));
        assert_eq!(decades([10.0].into_iter()), (1.0, 2.0));
    }
}
