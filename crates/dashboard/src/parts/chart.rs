//! Lines over experiments, as the shapes of an SVG. Each line has its own stroke and its name at its end, so that it is read without color.

/// Where the lines are in a drawing of 1000 by 200: beside them stand the numbers of the axis and the names of the lines.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 930.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 185.0;

/// With more points than this none is drawn by itself, and all of them are in whole numbers.
const MOST_DOTS: usize = 120;

/// A chart, ready to draw.
#[derive(Debug, PartialEq)]
pub(crate) struct Chart {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// What it says, for those who do not see it.
    pub(crate) summary: String,
    pub(crate) lines: Vec<Line>,
    /// Where a value may lie, as the outline of an area.
    pub(crate) band: Option<String>,
    pub(crate) ticks: Vec<Tick>,
    pub(crate) marks: Vec<Mark>,
}

/// A line of values.
#[derive(Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    /// The class of its stroke.
    pub(crate) class: &'static str,
    pub(crate) path: String,
    pub(crate) dots: Vec<(String, String)>,
    /// Where its name stands.
    pub(crate) end: Option<(String, String)>,
}

/// A line across the chart with its number.
#[derive(Debug, PartialEq)]
pub(crate) struct Tick {
    pub(crate) y: String,
    pub(crate) label: String,
}

/// Something that changed between two points.
#[derive(Debug, PartialEq)]
pub(crate) struct Mark {
    pub(crate) x: String,
    pub(crate) letter: String,
}

/// What a chart is made of. All series have as many values.
pub(crate) struct Series<'a> {
    pub(crate) name: &'static str,
    pub(crate) class: &'static str,
    pub(crate) values: &'a [Option<f64>],
}

/// Returns a chart; nothing where no value is known. `marks` are the points before which something changed, with their letters; `top` is
/// the largest value of the axis, where that is certain; `words` says a value.
pub(crate) fn chart(
    (id, title): (&'static str, &'static str),
    series: &[Series<'_>],
    band: Option<&[Option<(f64, f64)>]>,
    marks: &[(usize, String)],
    top: Option<f64>,
    words: fn(f64) -> String,
) -> Option<Chart> {
    let known = || series.iter().flat_map(|series| series.values.iter().flatten().copied());
    let largest = top.unwrap_or_else(|| nice(known().fold(0.0, f64::max)));
    let count = series.first()?.values.len();
    known().next()?;
    let x = |at: usize| {
        if count < 2 { (LEFT + RIGHT) / 2.0 } else { LEFT + (RIGHT - LEFT) * at as f64 / (count - 1) as f64 }
    };
    let y = |value: f64| BOTTOM - (BOTTOM - TOP) * (value / largest).clamp(0.0, 1.0);
    let lines = series.iter().map(|series| {
        let points: Vec<(f64, f64)> =
            series.values.iter().enumerate().filter_map(|(at, value)| Some((x(at), y((*value)?)))).collect();
        let is_drawn = count <= MOST_DOTS;
        Line {
            name: series.name,
            class: series.class,
            path: path(count, series.values.iter().enumerate().map(|(at, value)| value.map(|value| (x(at), y(value))))),
            dots: points.iter().filter(|_| is_drawn).map(|(x, y)| (number(*x), number(*y))).collect(),
            end: points.last().map(|(x, y)| (number(x + 6.0), number(y + 4.0))),
        }
    });
    let band = band.map(|band| {
        let upper = band.iter().enumerate().filter_map(|(at, bounds)| Some((x(at), y(bounds.as_ref()?.1))));
        let lower = band.iter().enumerate().rev().filter_map(|(at, bounds)| Some((x(at), y(bounds.as_ref()?.0))));
        path(count, upper.chain(lower).map(Some))
    });
    let mut summary = format!("{title} of {count} experiments.");
    for series in series {
        let mut values = series.values.iter().flatten();
        if let (Some(first), last) = (values.next(), values.next_back()) {
            summary += &format!(" {}: first {}, last {}.", series.name, words(*first), words(*last.unwrap_or(first)));
        }
    }
    Some(Chart {
        id,
        title,
        summary,
        lines: lines.collect(),
        band,
        ticks: [0.0, 0.5, 1.0].map(|share| Tick { y: number(y(share * largest)), label: words(share * largest) }).into(),
        marks: marks.iter().map(|(at, letter)| Mark { x: number(x(*at)), letter: letter.clone() }).collect(),
    })
}

/// Returns the commands of a line through points, with a gap where one is not known.
fn path(count: usize, points: impl Iterator<Item = Option<(f64, f64)>>) -> String {
    if count > MOST_DOTS {
        return steps(points);
    }
    let (mut commands, mut is_open) = (String::new(), false);
    for point in points {
        if let Some((x, y)) = point {
            commands += &format!("{}{} {}", if is_open { "L" } else { "M" }, number(x), number(y));
        }
        is_open = point.is_some();
    }
    commands
}

/// Returns the commands of such a line through very many points: each is a step from the one before, which is a third as long.
fn steps(points: impl Iterator<Item = Option<(f64, f64)>>) -> String {
    let (mut commands, mut last) = (String::new(), None);
    for point in points {
        let point = point.map(|(x, y)| (x.round(), y.round()));
        match (last, point) {
            // Nothing added to -0 is 0.
            (Some((last_x, last_y)), Some((x, y))) => commands += &format!("l{} {}", x - last_x + 0.0, y - last_y + 0.0),
            (None, Some((x, y))) => commands += &format!("M{x} {y}"),
            (_, None) => {}
        }
        last = point;
    }
    commands
}

/// Returns a number as short as it is seen.
fn number(value: f64) -> String {
    format!("{}", (value * 10.0).round() / 10.0)
}

/// Returns the next larger number that is easy to read.
fn nice(largest: f64) -> f64 {
    if !largest.is_finite() || largest <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(largest.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0].map(|step| step * power).into_iter().find(|step| *step >= largest * 0.999_999).unwrap_or(largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(value: f64) -> String {
        format!("{value}")
    }

    #[test]
    fn a_line_has_gaps_and_ends_with_its_name() {
        let values = [Some(0.0), Some(5.0), None, Some(10.0)];
        let series = [Series { name: "p95", class: "line-dashed", values: &values }];
        let chart = chart(("latency", "Latency"), &series, None, &[(1, "A".to_owned())], None, words).unwrap();
        assert_eq!(chart.lines[0].path, "M70 185L356.7 103.5M930 22");
        assert_eq!((chart.lines[0].dots.len(), chart.lines[0].end.clone()), (3, Some(("936".to_owned(), "26".to_owned()))));
        assert_eq!(chart.ticks.iter().map(|tick| tick.label.as_str()).collect::<Vec<_>>(), ["0", "5", "10"]);
        assert_eq!(chart.marks, [Mark { x: "356.7".to_owned(), letter: "A".to_owned() }]);
        assert_eq!(chart.summary, "Latency of 4 experiments. p95: first 0, last 10.");
    }

    #[test]
    fn a_line_of_very_many_points_is_one_of_steps() {
        let values: Vec<Option<f64>> = (0..=1000_u32).map(|at| (at != 3).then(|| f64::from(at % 2))).collect();
        let series = [Series { name: "rate", class: "line-plain", values: &values }];
        let chart = chart(("rate", "Rate"), &series, None, &[], Some(1.0), words).unwrap();
        assert!(chart.lines[0].path.starts_with("M70 185l1 -163l1 163M73 185l1 -163l1 163l1 -163"), "{}", chart.lines[0].path);
        // The steps lead to the end of the axis.
        let steps = chart.lines[0].path.split('M').next_back().unwrap().split('l').skip(1);
        let wide: f64 = steps.map(|step| step.split(' ').next().unwrap().parse::<f64>().unwrap()).sum();
        assert_eq!((73.0 + wide, chart.lines[0].dots.len()), (RIGHT, 0));
    }

    #[test]
    fn nothing_is_drawn_of_nothing_and_one_point_is_in_the_middle() {
        let none = [Series { name: "n", class: "c", values: &[None, None] }];
        assert_eq!(chart(("a", "A"), &none, None, &[], None, words), None);
        assert_eq!(chart(("a", "A"), &[], None, &[], None, words), None);
        let one = [Series { name: "n", class: "c", values: &[Some(0.5)] }];
        let drawn = chart(("a", "A"), &one, Some(&[Some((0.25, 1.0))]), &[], Some(1.0), words).unwrap();
        assert_eq!(drawn.lines[0].dots, [("500".to_owned(), "103.5".to_owned())]);
        assert_eq!(drawn.band.as_deref(), Some("M500 22L500 144.3"));
    }

    #[test]
    fn an_axis_ends_at_a_number_that_is_easy_to_read() {
        assert_eq!([0.0, 0.7, 1.0, 1.1, 2.2, 3.0, 730.0, f64::NAN].map(nice), [1.0, 1.0, 1.0, 2.0, 2.5, 5.0, 1000.0, 1.0]);
    }
}
