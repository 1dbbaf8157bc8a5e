//! Points of tests: multiples of a half.

use std::fmt;
use std::iter::Sum;
use std::ops::AddAssign;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number of points, counted in halves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Points(u32);

impl Points {
    /// None.
    pub const NONE: Self = Self(0);

    /// A whole number of points.
    pub const fn whole(points: u32) -> Self {
        Self(points * 2)
    }

    /// Returns them as a decimal number.
    pub fn number(self) -> f64 {
        f64::from(self.0) / 2.0
    }
}

impl AddAssign for Points {
    fn add_assign(&mut self, more: Self) {
        self.0 += more.0;
    }
}

impl Sum for Points {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        Self(all.map(|points| points.0).sum())
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.number().to_string())
    }
}

impl Serialize for Points {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(2) {
            serializer.serialize_u32(self.0 / 2)
        } else {
            serializer.serialize_f64(self.number())
        }
    }
}

impl<'de> Deserialize<'de> for Points {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const MOST: u32 = 10_000;
        let number = f64::deserialize(deserializer)?;
        (0..=2 * MOST)
            .find(|halves| f64::from(*halves) / 2.0 == number)
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("points must be a multiple of 0.5 from 0 to {MOST}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_written_as_decimals_and_whole_points_as_whole_numbers() {
        let points: Vec<Points> = serde_json::from_str("[1, 0.5, 2.5, 0]").unwrap();
        assert_eq!(serde_json::to_string(&points).unwrap(), "[1,0.5,2.5,0]");
        assert_eq!(points.into_iter().sum::<Points>().to_string(), "4");
        assert_eq!(format!("{:>4}", Points::whole(3)), "   3");
        for wrong in ["0.3", "-1", "\"9\"", "1e9"] {
            assert!(serde_json::from_str::<Points>(wrong).is_err(), "{wrong}");
        }
    }
}
