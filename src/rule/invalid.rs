//! Why a text is no client rule.

/// Why a text is no client rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClientRule {
    /// There is nothing in it.
    #[error(
        "a client rule that is empty says nothing: leave 'client-rule' out to admit every verified client"
    )]
    Empty,
    /// The text is too long.
    #[error("a client rule has at most {most} characters, this one has {chars}: make it shorter")]
    TooLong {
        /// How many it has.
        chars: usize,
        /// How many it may have.
        most: usize,
    },
    /// Too many of a character that makes work for the parser.
    #[error(
        "a client rule has at most {most} {what} (those inside of texts counted too), this one has {count}: make it simpler"
    )]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many it has.
        count: usize,
        /// How many it may have.
        most: usize,
    },
    /// Not CEL.
    #[error("the client rule cannot be read at line {line}, column {column}: {why}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What the parser says; bounded and escaped.
        why: String,
    },
    /// Not CEL, for a reason that concerns all of it.
    #[error("the client rule cannot be read: {why}")]
    Unreadable {
        /// What the parser says; bounded and escaped.
        why: String,
    },
    /// Expressions within expressions, too many of them.
    #[error(
        "the expressions of a client rule stand within each other at most {most} deep: make it simpler"
    )]
    TooDeep {
        /// How deep they may be.
        most: usize,
    },
    /// Too many expressions.
    #[error("a client rule has at most {most} expressions: make it simpler")]
    TooLarge {
        /// How many there may be.
        most: usize,
    },
    /// Too many of `all`, `exists`, `exists_one` and `filter`.
    #[error(
        "a client rule has at most {most} of all(), exists(), exists_one() and filter(): make it simpler"
    )]
    TooManyLoops {
        /// How many there may be.
        most: usize,
    },
    /// Loops in loops in loops.
    #[error(
        "all(), exists(), exists_one() and filter() of a client rule stand within each other at most {most} deep"
    )]
    LoopsTooDeep {
        /// How deep they may be.
        most: usize,
    },
    /// A name that stands for nothing.
    #[error(
        "'{name}' stands for nothing in a client rule: what is known of the client is in 'client', as in client.subject"
    )]
    UnknownName {
        /// The name.
        name: String,
    },
    /// `client.` and something that is not known.
    #[error("there is no 'client.{name}': write one of client.{known}")]
    UnknownFact {
        /// What was written.
        name: String,
        /// What there is.
        known: String,
    },
    /// `client` without a fact.
    #[error("'client' stands alone: name what of it is meant, as in client.subject")]
    BareClient,
    /// Facts inside of facts.
    #[error("'.{name}' is asked of something that has no parts: only 'client' has")]
    NoParts {
        /// What was asked for.
        name: String,
    },
    /// A variable of a loop that would hide `client`.
    #[error("a variable of {loops} must not be named 'client': give it another name")]
    HidesClient {
        /// The functions that have variables.
        loops: &'static str,
    },
    /// A function that is not there.
    #[error("there is no function '{name}' in a client rule: there are {known}")]
    UnknownFunction {
        /// What was written.
        name: String,
        /// What there is.
        known: &'static str,
    },
    /// Something of CEL that rules cannot have.
    #[error("a client rule cannot have {what}: {instead}")]
    Unsupported {
        /// What it is.
        what: &'static str,
        /// What to write instead.
        instead: &'static str,
    },
    /// Operands that do not go together.
    #[error("'{operator}' cannot be applied to {operands} in a client rule{}", hint.as_deref().unwrap_or_default())]
    Operands {
        /// The operator or function.
        operator: String,
        /// The types that it is applied to.
        operands: String,
        /// What to write instead, where that is known; begins with a colon.
        hint: Option<String>,
    },
    /// The items of a list are not of one type.
    #[error(
        "the items of a list in a client rule have to be of one type, these are {first} and {other}"
    )]
    MixedList {
        /// The type of the first.
        first: String,
        /// Another type in it.
        other: String,
    },
    /// It does not say yes or no.
    #[error(
        "a client rule has to say true or false, this one says {found}: compare it with something"
    )]
    NotABool {
        /// The type of what it says.
        found: String,
    },
}
