//! In which order the rows of the fleet view stand.

use std::cmp::{Ordering, Reverse};

use super::row::{Row, Urgency};

/// An order of rows. Rows that are alike in it stand by their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// What needs its user comes first, then what works, what rests, and what is gone.
    #[default]
    Urgency,
    /// What was active last comes first.
    Activity,
    /// By name.
    Name,
    /// This machine first, then the others by their names.
    Machine,
}

impl Order {
    /// All of them, as a key goes through them.
    #[cfg(test)]
    pub const ALL: [Self; 4] = [Self::Urgency, Self::Activity, Self::Name, Self::Machine];

    /// The one after this, and after the last the first.
    pub fn next(self) -> Self {
        match self {
            Self::Urgency => Self::Activity,
            Self::Activity => Self::Name,
            Self::Name => Self::Machine,
            Self::Machine => Self::Urgency,
        }
    }

    /// What it is called.
    pub fn words(self) -> &'static str {
        match self {
            Self::Urgency => "by urgency",
            Self::Activity => "by activity",
            Self::Name => "by name",
            Self::Machine => "by machine",
        }
    }

    /// Which of two rows comes first.
    pub fn compare(self, one: &Row, other: &Row) -> Ordering {
        let first = match self {
            Self::Urgency => by_urgency(one, other),
            Self::Activity => activity(one).cmp(&activity(other)),
            Self::Name => Ordering::Equal,
            Self::Machine => {
                one.id.source.cmp(&other.id.source).then_with(|| one.urgency.cmp(&other.urgency))
            }
        };
        first.then_with(|| one.full_name().cmp(&other.full_name())).then_with(|| one.id.cmp(&other.id))
    }
}

/// Rows of one urgency stand by their last activity. Those that work are all active now: by the moment they would change
/// places all the time.
fn by_urgency(one: &Row, other: &Row) -> Ordering {
    let within = match one.urgency {
        Urgency::Busy => Ordering::Equal,
        Urgency::NeedsYou | Urgency::Idle | Urgency::Gone => activity(one).cmp(&activity(other)),
    };
    one.urgency.cmp(&other.urgency).then(within)
}

/// What was active last comes first, what never was comes last.
fn activity(row: &Row) -> Reverse<Option<u64>> {
    Reverse(row.active_at)
}

#[cfg(test)]
mod tests {
    use super::super::row::{Kind, RowId, Source};
    use super::*;

    fn row(name: &str, urgency: Urgency, active_at: Option<u64>) -> Row {
        Row {
            id: RowId { source: Source::Here, id: name.into() },
            kind: Kind::Session,
            urgency,
            name: name.into(),
            state: String::new(),
            shown_state: String::new(),
            hint: None,
            title: None,
            directory: String::new(),
            attached: None,
            running: true,
            remote: None,
            active_at,
            started_at: None,
            model: None,
            context_tokens: None,
            last_prompt: None,
            last_answer: None,
        }
    }

    fn sorted(order: Order, rows: &[Row]) -> Vec<&str> {
        let mut rows: Vec<&Row> = rows.iter().collect();
        rows.sort_by(|one, other| order.compare(one, other));
        rows.iter().map(|row| row.name.as_str()).collect()
    }

    #[test]
    fn what_needs_its_user_comes_first_and_what_works_does_not_change_places() {
        let rows = [
            row("gone", Urgency::Gone, Some(9)),
            row("rests", Urgency::Idle, Some(1)),
            row("rested-later", Urgency::Idle, Some(2)),
            row("never", Urgency::Idle, None),
            row("b-works", Urgency::Busy, Some(8)),
            row("a-works", Urgency::Busy, Some(7)),
            row("asks", Urgency::NeedsYou, None),
        ];
        let by_urgency = ["asks", "a-works", "b-works", "rested-later", "rests", "never", "gone"];
        assert_eq!(sorted(Order::Urgency, &rows), by_urgency);
        let by_activity = ["gone", "b-works", "a-works", "rested-later", "rests", "asks", "never"];
        assert_eq!(sorted(Order::Activity, &rows), by_activity);
        assert_eq!(sorted(Order::Name, &rows)[..2], ["a-works", "asks"]);
    }

    #[test]
    fn the_key_goes_through_all_orders() {
        for (order, next) in Order::ALL.into_iter().zip(Order::ALL.into_iter().cycle().skip(1)) {
            assert_eq!(order.next(), next);
        }
    }
}
