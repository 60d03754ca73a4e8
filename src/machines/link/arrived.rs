//! What of that which was typed has arrived on the far side, as far as this side knows.

/// Keys, and the pings between them. The far side reads both in their order, so its answer to a ping says that the
/// keys before it have arrived.
#[derive(Debug, Default)]
pub struct Arrived {
    /// How many keys were typed on this link.
    typed: u64,
    /// How many of these have arrived.
    arrived: u64,
    /// A ping that has no answer yet, and how many keys were typed before it.
    asked: Option<(u64, u64)>,
}

impl Arrived {
    /// So many keys were typed.
    pub fn type_keys(&mut self, count: u64) {
        self.typed += count;
    }

    /// The ping with this number is behind them.
    pub fn ping(&mut self, number: u64) {
        self.asked.get_or_insert((number, self.typed));
    }

    /// It was answered, or a later one.
    pub fn pong(&mut self, number: u64) {
        if let Some((_, typed)) = self.asked.take_if(|(asked, _)| *asked <= number) {
            self.arrived = typed;
        }
    }

    /// How many keys have perhaps not arrived.
    pub fn open(&self) -> u64 {
        self.typed - self.arrived
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_before_an_answered_ping_have_arrived_and_no_others() {
        let mut arrived = Arrived::default();
        arrived.ping(1);
        arrived.type_keys(3);
        arrived.pong(1);
        assert_eq!(arrived.open(), 3);
        arrived.ping(2);
        arrived.type_keys(2);
        // Said by the far side by itself, or late.
        arrived.pong(0);
        arrived.pong(1);
        assert_eq!(arrived.open(), 5);
        arrived.ping(3);
        arrived.pong(3);
        assert_eq!(arrived.open(), 2);
        arrived.ping(4);
        arrived.pong(4);
        assert_eq!(arrived.open(), 0);
    }
}
