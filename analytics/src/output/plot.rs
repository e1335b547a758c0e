//! What is spread how, as a picture: SVG, which needs no fonts to be written.

use std::collections::BTreeMap;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::{
    BLACK, BLUE, ChartBuilder, Circle, Color, DrawingArea, IntoDrawingArea, IntoLogRange, RED, RGBColor, Ranged,
    SVGBackend, SeriesLabelPosition, WHITE,
};

use super::OutputError;
use crate::jobs::{Degrees, UNREACHED};

/// Width and height, in pixels.
const SIZE: (u32, u32) = (960, 640);
/// The radius of a point.
const RADIUS: i32 = 3;
const COLOURS: [RGBColor; 2] = [BLUE, RED];

/// Points in a plane, in one colour or two.
#[derive(Clone, PartialEq, Debug)]
pub struct Plot {
    title: String,
    /// What the axes measure.
    axes: [&'static str; 2],
    /// Whether equal factors are equal distances, on both axes.
    is_logarithmic: bool,
    /// Names and points, at most as many as there are colours.
    series: Vec<(&'static str, Vec<(f64, f64)>)>,
}

impl Plot {
    /// How many vertices have how many edges, both logarithmic; those with none are not shown, but counted in the title.
    pub(crate) fn degrees(found: &Degrees) -> Plot {
        let isolated = found.incoming.iter().zip(&found.outgoing).filter(|(to, from)| (**to, **from) == (0, 0)).count();
        let series = [("in", &found.incoming), ("out", &found.outgoing)];
        let points = |degrees: &[u32]| counts(degrees.iter().copied().filter(|degree| *degree > 0).map(u64::from));
        Plot {
            title: format!("Degrees of {} vertices, {isolated} of them isolated", found.incoming.len()),
            axes: ["edges of a vertex", "vertices"],
            is_logarithmic: true,
            series: series.map(|(name, degrees)| (name, points(degrees))).into(),
        }
    }

    /// How many groups are how large, both logarithmic.
    pub(crate) fn sizes<L: Ord>(groups: &'static str, labels: impl Iterator<Item = L>) -> Plot {
        let mut labels: Vec<L> = labels.collect();
        labels.sort_unstable();
        let sizes = labels.chunk_by(|one, other| one == other).map(|group| group.len() as u64);
        Plot {
            title: format!("Sizes of {} {groups}", sizes.clone().count()),
            axes: ["vertices of a group", "groups"],
            is_logarithmic: true,
            series: vec![(groups, counts(sizes))],
        }
    }

    /// How many vertices are how far away from one.
    pub(crate) fn levels(levels: &[u32]) -> Plot {
        let reached = levels.iter().copied().filter(|level| *level != UNREACHED).map(u64::from);
        Plot {
            title: format!("Distances of {} of {} vertices from one", reached.clone().count(), levels.len()),
            axes: ["edges", "vertices"],
            is_logarithmic: false,
            series: vec![("vertices", counts(reached))],
        }
    }

    /// The shares of pairs that are 1, 2 and more edges apart.
    pub(crate) fn distances(distribution: &[f64]) -> Plot {
        Plot {
            title: "Distances of pairs that are connected".to_owned(),
            axes: ["edges", "share of pairs"],
            is_logarithmic: false,
            series: vec![("pairs", (1..).map(f64::from).zip(distribution.iter().copied()).collect())],
        }
    }

    /// Draws it.
    ///
    /// # Errors
    ///
    /// What the library says.
    pub fn svg(&self) -> Result<String, OutputError> {
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            let (x, y) = (self.range(|point| point.0), self.range(|point| point.1));
            if self.is_logarithmic {
                self.draw(&area, x.log_scale(), y.log_scale())?;
            } else {
                self.draw(&area, x, y)?;
            }
            area.present()?;
        }
        Ok(svg)
    }

    fn draw<'a, X, Y>(
        &self,
        area: &DrawingArea<SVGBackend<'a>, Shift>,
        x: impl AsRangedCoord<CoordDescType = X, Value = f64>,
        y: impl AsRangedCoord<CoordDescType = Y, Value = f64>,
    ) -> Result<(), OutputError>
    where
        X: Ranged<ValueType = f64> + ValueFormatter<f64>,
        Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, ("sans-serif", 20))
            .margin(16)
            .x_label_area_size(48)
            .y_label_area_size(80)
            .build_cartesian_2d(x, y)?;
        let [x_axis, y_axis] = self.axes;
        chart.configure_mesh().x_desc(x_axis).y_desc(y_axis).draw()?;
        for ((name, points), colour) in self.series.iter().zip(COLOURS) {
            let circles = points.iter().map(|point| Circle::new(*point, RADIUS, colour.filled()));
            let legend = move |place| Circle::new(place, RADIUS, colour.filled());
            chart.draw_series(circles)?.label(*name).legend(legend);
        }
        if self.series.len() > 1 {
            let mut labels = chart.configure_series_labels();
            labels.position(SeriesLabelPosition::UpperRight).background_style(WHITE).border_style(BLACK).draw()?;
        }
        Ok(())
    }

    /// From the least to the greatest, and a little more: on a logarithmic axis from 1.
    fn range(&self, of: impl Fn(&(f64, f64)) -> f64) -> Range<f64> {
        let values = self.series.iter().flat_map(|(_, points)| points).map(of);
        let greatest = values.fold(0.0, f64::max);
        if self.is_logarithmic {
            1.0..greatest.max(1.0) * 1.5
        } else {
            0.0..if greatest > 0.0 { greatest * 1.05 } else { 1.0 }
        }
    }
}

/// How often each number is there, by number.
fn counts(numbers: impl Iterator<Item = u64>) -> Vec<(f64, f64)> {
    let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
    numbers.for_each(|number| *counts.entry(number).or_default() += 1);
    counts.into_iter().map(|(number, count)| (number as f64, count as f64)).collect()
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;

    /// Where the points of a colour are.
    fn points(svg: &str, colour: &str) -> Vec<(i32, i32)> {
        let document = Document::parse(svg).expect("well-formed");
        assert_eq!(document.root_element().tag_name().name(), "svg");
        let place = |node: &roxmltree::Node<'_, '_>, name| node.attribute(name).and_then(|place| place.parse().ok());
        let points = document.descendants().filter(|node| node.attribute("fill") == Some(colour));
        points.filter_map(|node| Some((place(&node, "cx")?, place(&node, "cy")?))).collect()
    }

    #[test]
    fn equal_factors_are_equal_distances_where_it_is_logarithmic() -> Result<(), OutputError> {
        // 100 have one edge in, 10 have ten, one has a hundred, all have none out.
        let incoming = [vec![1; 100], vec![10; 10], vec![100; 1]].concat();
        let outgoing = vec![0; incoming.len()];
        let svg = Plot::degrees(&Degrees { incoming, outgoing }).svg()?;
        let points = points(&svg, "#0000FF");
        // One more is in the legend.
        let [(x1, y1), (x10, y10), (x100, y100), _] = points[..] else { panic!("{points:?}") };
        assert!(x1 < x10 && (x100 - x10 - (x10 - x1)).abs() <= 1, "{points:?}");
        assert!(y1 < y10 && (y100 - y10 - (y10 - y1)).abs() <= 1, "{points:?}");
        assert!(svg.contains("Degrees of 111 vertices, 0 of them isolated"));
        Ok(())
    }

    #[test]
    fn equal_differences_are_equal_distances_where_it_is_not() -> Result<(), OutputError> {
        let points = points(&Plot::distances(&[0.25, 0.5, 0.25]).svg()?, "#0000FF");
        let [(x1, y1), (x2, y2), (x3, y3)] = points[..] else { panic!("{points:?}") };
        assert!(x1 < x2 && (x3 - x2 - (x2 - x1)).abs() <= 1 && y1 == y3 && y2 < y1, "{points:?}");
        Ok(())
    }

    #[test]
    fn sizes_and_levels_are_counted() {
        let sizes = Plot::sizes("components", [7, 7, 3, 9, 9, 1].into_iter());
        assert_eq!(sizes.series, [("components", vec![(1.0, 2.0), (2.0, 2.0)])]);
        assert_eq!(sizes.title, "Sizes of 4 components");
        let levels = Plot::levels(&[0, 1, 1, UNREACHED, 2]);
        assert_eq!(levels.series, [("vertices", vec![(0.0, 1.0), (1.0, 2.0), (2.0, 1.0)])]);
        assert_eq!(levels.title, "Distances of 4 of 5 vertices from one");
    }

    #[test]
    fn nothing_can_be_drawn_too() -> Result<(), OutputError> {
        for plot in [Plot::distances(&[]), Plot::levels(&[]), Plot::sizes("components", [0; 0].into_iter())] {
            assert_eq!(points(&plot.svg()?, "#0000FF"), []);
        }
        Ok(())
    }
}
