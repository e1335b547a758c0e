//! Which places a tweet may name.

use base::Error;
use proto::timeline::Place;

use super::text;

/// Characters of a place's name at the most.
const NAME_CHARACTERS_MAX: usize = 100;
/// Degrees from the equator to a pole.
const LATITUDE_MAX: f64 = 90.0;
/// Degrees from the prime meridian to the other side of the earth.
const LONGITUDE_MAX: f64 = 180.0;

/// Refuses a place without a name that can be read, and coordinates that are not on the earth, or half of them; errors name
/// the field.
pub(crate) fn check(place: &Place) -> Result<(), Error> {
    text::check(&place.name, NAME_CHARACTERS_MAX).map_err(|error| Error::invalid("place.name", error.to_string()))?;
    match (place.latitude, place.longitude) {
        (None, None) => Ok(()),
        (Some(latitude), Some(longitude)) => {
            degrees("place.latitude", latitude, LATITUDE_MAX)?;
            degrees("place.longitude", longitude, LONGITUDE_MAX)
        }
        (Some(_), None) => Err(Error::invalid("place.longitude", "must be given where the latitude is")),
        (None, Some(_)) => Err(Error::invalid("place.latitude", "must be given where the longitude is")),
    }
}

fn degrees(field: &str, degrees: f64, max: f64) -> Result<(), Error> {
    // What is no number is in no range.
    if (-max..=max).contains(&degrees) {
        Ok(())
    } else {
        Err(Error::invalid(field, format!("degrees from -{max} to {max}")))
    }
}

#[cfg(test)]
mod tests {
    use base::Code;

    use super::*;

    fn place(name: &str, latitude: Option<f64>, longitude: Option<f64>) -> Place {
        Place { name: name.to_owned(), latitude, longitude }
    }

    #[test]
    fn a_name_alone_and_a_name_with_coordinates_are_places() {
        for (latitude, longitude) in
            [(None, None), (Some(47.37), Some(8.54)), (Some(-90.0), Some(180.0)), (Some(90.0), Some(-180.0))]
        {
            check(&place("Zürich", latitude, longitude)).expect("a place");
        }
        check(&place(&"ü".repeat(100), None, None)).expect("a hundred characters");
    }

    #[test]
    fn what_is_no_place_names_the_field() {
        let infinite = Some(f64::INFINITY);
        let long = "ü".repeat(101);
        for (name, latitude, longitude, field) in [
            ("", None, None, "place.name"),
            (" \u{200b}", None, None, "place.name"),
            ("a\u{7}", None, None, "place.name"),
            (long.as_str(), None, None, "place.name"),
            ("here", Some(1.0), None, "place.longitude"),
            ("here", None, Some(1.0), "place.latitude"),
            ("here", Some(90.001), Some(1.0), "place.latitude"),
            ("here", Some(-91.0), Some(1.0), "place.latitude"),
            ("here", Some(1.0), Some(180.001), "place.longitude"),
            ("here", Some(f64::NAN), Some(1.0), "place.latitude"),
            ("here", Some(1.0), infinite, "place.longitude"),
        ] {
            let error = check(&place(name, latitude, longitude)).expect_err(field);
            assert_eq!((error.code(), error.field()), (Code::InvalidArgument, Some(field)), "{name} {latitude:?}");
        }
    }
}
