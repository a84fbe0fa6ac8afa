//! What one conversation remembers from turn to turn: what was asked for, and which names were seen.
//!
//! Bots ask "your card number?", and the digits come a turn later, bare and in pieces. So a question opens a window, in which digits
//! count as the answer until it is whole and a few turns more. What came before the question is out of reach.
//!
//! # Security
//! The state holds topics and counts. It holds no text: names are kept as keyed hashes by whoever carries them.

use super::Class;
use super::names::Carried;
use super::recognizers::speech::ask::Asked;

/// Who speaks in a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The person who is asked.
    User,
    /// Those who ask: a bot, an agent, the system, a tool.
    Asker,
}

impl Speaker {
    /// Returns who a role of a transcript is: `user` and its like are the user, every other asks.
    pub fn of_role(role: &str) -> Speaker {
        let user = ["user", "customer", "human", "client", "caller", "visitor", "guest", "patient", "member"];
        if user.iter().any(|name| name.eq_ignore_ascii_case(role.trim())) { Speaker::User } else { Speaker::Asker }
    }
}

/// The state of one conversation. Start from [`Dialogue::default`], and keep it sealed between turns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialogue {
    windows: Vec<Window>,
    /// Keyed hashes of the words of names that were found.
    pub(super) names: Carried,
}

/// Something that was asked for and may still come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) asked: Asked,
    /// Turns until it closes.
    left: u8,
    /// Digits of the answer that have come.
    digits: u8,
}

/// The bytes are no state of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DialogueError {
    /// Another version wrote them.
    #[error("the dialogue state is of version {0}, which this build does not read")]
    Version(u8),
    /// They are cut, too long, or hold what no state holds.
    #[error("the dialogue state is damaged")]
    Damaged,
}

impl Dialogue {
    /// The most bytes that [`Dialogue::to_bytes`] returns.
    pub const MAX_BYTES: usize = 4096;

    /// Writes the state down: version, windows, names. At most [`Dialogue::MAX_BYTES`].
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION, u8::try_from(self.windows.len()).unwrap_or(u8::MAX)];
        for window in &self.windows {
            let class = window.asked.class().as_str().as_bytes();
            bytes.extend([window.asked.code(), window.left, window.digits, u8::try_from(class.len()).unwrap_or(0)]);
            bytes.extend(class);
        }
        let names = self.names.to_bytes();
        bytes.extend(u16::try_from(names.len()).unwrap_or(0).to_be_bytes());
        bytes.extend(names);
        bytes
    }

    /// Reads what [`Dialogue::to_bytes`] wrote; no bytes are a conversation that begins.
    ///
    /// # Errors
    /// [`DialogueError`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Dialogue, DialogueError> {
        match bytes.first() {
            None => return Ok(Dialogue::default()),
            Some(&VERSION) => {}
            Some(&version) => return Err(DialogueError::Version(version)),
        }
        let mut rest = bytes.get(1..).filter(|_| bytes.len() <= Self::MAX_BYTES).ok_or(DialogueError::Damaged)?;
        let count = take(&mut rest, 1)?[0];
        if usize::from(count) > MAX_WINDOWS {
            return Err(DialogueError::Damaged);
        }
        let windows = (0..count).map(|_| Window::read(&mut rest)).collect::<Result<_, _>>()?;
        let length = take(&mut rest, 2)?;
        let names = take(&mut rest, usize::from(u16::from_be_bytes([length[0], length[1]])))?;
        if !rest.is_empty() {
            return Err(DialogueError::Damaged);
        }
        Ok(Dialogue { windows, names: Carried::from_bytes(names) })
    }

    /// Returns what is waited for, the latest question last.
    pub(super) fn open(&self) -> Vec<Asked> {
        self.windows.iter().map(|window| window.asked).collect()
    }

    /// Goes on by one turn: `answered` are the pieces that came, with their digits; `asked` is what this turn asks for.
    pub(super) fn go_on(&mut self, answered: &[(Asked, usize)], asked: &[Asked]) {
        for window in &mut self.windows {
            window.pass(answered);
        }
        self.windows.retain(|window| window.left > 0);
        for &asked in asked {
            self.ask(asked);
        }
    }

    fn ask(&mut self, asked: Asked) {
        if asked == Asked::Rest {
            self.windows.iter_mut().for_each(|window| window.left = OPEN);
            return;
        }
        self.windows.retain(|window| window.asked != asked);
        if self.windows.len() == MAX_WINDOWS {
            self.windows.remove(0);
        }
        self.windows.push(Window { asked, left: OPEN, digits: 0 });
    }
}

impl Window {
    fn pass(&mut self, answered: &[(Asked, usize)]) {
        let mut came = answered.iter().filter(|(asked, _)| *asked == self.asked).peekable();
        if came.peek().is_none() {
            self.left -= 1;
            return;
        }
        let digits: usize = came.map(|(_, digits)| digits).sum();
        self.digits = self.digits.saturating_add(u8::try_from(digits).unwrap_or(u8::MAX));
        let whole = self.asked.whole();
        self.left = if whole > 0 && usize::from(self.digits) >= whole { AFTER } else { OPEN };
    }

    fn read(rest: &mut &[u8]) -> Result<Window, DialogueError> {
        let head = take(rest, 4)?;
        let (code, left, digits, length) = (head[0], head[1], head[2], head[3]);
        let class = std::str::from_utf8(take(rest, usize::from(length))?).map_err(|_| DialogueError::Damaged)?;
        let class: Class = class.parse().map_err(|_| DialogueError::Damaged)?;
        let asked =
            Asked::from_code(code, class).filter(|_| (1..=OPEN).contains(&left)).ok_or(DialogueError::Damaged)?;
        Ok(Window { asked, left, digits })
    }
}

fn take<'b>(rest: &mut &'b [u8], count: usize) -> Result<&'b [u8], DialogueError> {
    let (head, tail) = rest.split_at_checked(count).ok_or(DialogueError::Damaged)?;
    *rest = tail;
    Ok(head)
}

const VERSION: u8 = 1;
/// How many questions may be open at a time.
const MAX_WINDOWS: usize = 6;
/// Turns that a question stays open, its own not counted.
const OPEN: u8 = 6;
/// Turns that it stays open once the answer is whole: the bot reads it back, the user corrects it.
const AFTER: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_survives_its_bytes() {
        let mut dialogue = Dialogue::default();
        dialogue.go_on(&[], &[Asked::Card, Asked::Id(Class::ItFiscalCode)]);
        dialogue.go_on(&[(Asked::Card, 6)], &[]);
        let key = crate::redaction::PseudonymKey::from_bytes([7; 32]);
        for at in 0..1000 {
            dialogue.names.learn(&format!("Name{at}"), &key);
        }
        let bytes = dialogue.to_bytes();
        assert!(bytes.len() <= Dialogue::MAX_BYTES);
        assert_eq!(Dialogue::from_bytes(&bytes), Ok(dialogue));
        assert_eq!(Dialogue::from_bytes(&[]), Ok(Dialogue::default()));
    }

    #[test]
    fn cut_long_and_foreign_bytes_are_refused() {
        let mut dialogue = Dialogue::default();
        dialogue.go_on(&[], &[Asked::Phone]);
        let bytes = dialogue.to_bytes();
        for cut in 1..bytes.len() {
            assert_eq!(Dialogue::from_bytes(&bytes[..cut]), Err(DialogueError::Damaged), "{cut}");
        }
        assert_eq!(Dialogue::from_bytes(&[&bytes[..], &[0]].concat()), Err(DialogueError::Damaged));
        assert_eq!(Dialogue::from_bytes(&[9, 0, 0, 0]), Err(DialogueError::Version(9)));
    }

    #[test]
    fn a_window_closes_when_nothing_comes_and_sooner_when_all_came() {
        let mut dialogue = Dialogue::default();
        dialogue.go_on(&[], &[Asked::Card]);
        for _ in 1..OPEN {
            dialogue.go_on(&[], &[]);
        }
        assert_eq!(dialogue.open(), [Asked::Card]);
        dialogue.go_on(&[], &[]);
        assert_eq!(dialogue.open(), []);
        dialogue.go_on(&[], &[Asked::Card]);
        dialogue.go_on(&[(Asked::Card, 16)], &[]);
        dialogue.go_on(&[], &[]);
        dialogue.go_on(&[], &[]);
        assert_eq!(dialogue.open(), []);
    }
}
