//! A client rule: read once, asked of each client.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use cel::parser::PrattParser;
use cel::{Context, Env, ExecutionError, IdedExpr, Value, extensions};

use crate::rule::check::{self, Checked, DEPTH_MAX};
use crate::rule::facts::{FactValue, Facts};
use crate::rule::invalid::InvalidClientRule;

/// The longest rule, in characters.
pub const CHARS_MAX: usize = 4096;
/// The most opening brackets of a rule; those inside of texts count too.
pub const BRACKETS_MAX: usize = 200;
/// The most question marks of a rule; those inside of texts count too.
pub const QUESTIONS_MAX: usize = 32;
/// The most work that one evaluation may be: expressions evaluated, times bytes that each may look at.
pub const WORK_MAX: u64 = 256 << 20;

/// The least bytes that an expression is reckoned with: the evaluator's own doings.
const BYTES_MIN: u64 = 512;
/// How much of the evaluator's words a sentence tells, in characters.
const WHY_CHARS_MAX: usize = 200;

/// Which verified clients may call: a CEL expression over [`Facts`]. Cloning it is cheap; two are equal when their texts
/// are.
#[derive(Clone)]
pub struct ClientRule(Arc<Inner>);

struct Inner {
    text: String,
    expression: IdedExpr,
    checked: Checked,
}

/// What a rule says of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The client may call.
    Admitted,
    /// It may not.
    NotAdmitted,
    /// The rule has no answer, so it may not.
    Failed(RuleFailure),
}

/// Why a rule has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleFailure {
    /// A fact that was cut: what a rule does not see could decide otherwise.
    #[error("client.{fact} is longer than a rule is shown")]
    Cut {
        /// The fact's name.
        fact: &'static str,
    },
    /// Rule and certificate together are too much work.
    #[error("there are too many names in the certificate for so long a rule")]
    TooMuchWork,
    /// An index beyond the list, a division by zero, a number that is too large.
    #[error("{why}")]
    Evaluation {
        /// What the evaluator says; bounded and escaped.
        why: String,
    },
    /// The evaluator broke down.
    #[error("the evaluation broke off")]
    Panicked,
}

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::default().with_optional_support(false).with_stdlib();
    // Only lowerAscii() of it gets past the checks. Should it ever not be added, rules with it fail, which is a refusal.
    let _ = env.add_extension(extensions::strings);
    Arc::new(env)
});

impl ClientRule {
    /// Reads a rule.
    ///
    /// # Errors
    /// [`InvalidClientRule`] where it is no CEL, is out of bounds, or could not be answered with true or false.
    pub fn parse(text: &str) -> Result<Self, InvalidClientRule> {
        within_bounds(text)?;
        // The parser is of other people's making: should it break down on a text, that text is no rule.
        let parsed = catch_unwind(|| {
            let depth = u16::try_from(DEPTH_MAX).unwrap_or(u16::MAX);
            PrattParser::new().max_recursion_depth(depth).parse(text)
        });
        let expression = match parsed {
            Ok(Ok(expression)) => expression,
            Ok(Err(errors)) => return Err(first_of(&errors)),
            Err(_) => {
                return Err(InvalidClientRule::Unreadable {
                    why: "the parser broke off".to_owned(),
                });
            }
        };
        let checked = check::check(&expression)?;
        Ok(Self(Arc::new(Inner {
            text: text.to_owned(),
            expression,
            checked,
        })))
    }

    /// The rule as it was written.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Asks the rule of a client. The same facts always get the same verdict.
    pub fn admits(&self, facts: &Facts<'_>) -> Verdict {
        match self.values(facts) {
            Ok(values) => guarded(|| {
                let mut context = Context::with_env(Arc::clone(&ENV));
                context.add_variable_from_value(check::CLIENT, values);
                Value::resolve(&self.0.expression, &context)
            }),
            Err(failure) => Verdict::Failed(failure),
        }
    }

    /// The facts that are asked for, where they are whole and the work is bounded.
    fn values(&self, facts: &Facts<'_>) -> Result<HashMap<&'static str, Value>, RuleFailure> {
        let checked = &self.0.checked;
        let mut values = HashMap::with_capacity(checked.asks.len());
        let mut bytes = self.0.text.len();
        let mut longest = 1;
        for fact in &checked.asks {
            let value = fact.of(facts);
            if value.is_cut() {
                return Err(RuleFailure::Cut {
                    fact: fact.as_str(),
                });
            }
            bytes = bytes.saturating_add(value.bytes());
            longest = longest.max(value.items());
            let value = match value {
                FactValue::Text(text) => Value::from(text),
                FactValue::List(items) => {
                    let items = items.iter().map(|item| Value::from(item.as_str()));
                    Value::from(items.collect::<Vec<_>>())
                }
            };
            values.insert(fact.as_str(), value);
        }
        if work(checked, longest as u64, bytes as u64) > WORK_MAX {
            return Err(RuleFailure::TooMuchWork);
        }
        Ok(values)
    }
}

impl PartialEq for ClientRule {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for ClientRule {}

impl std::fmt::Debug for ClientRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ClientRule").field(&self.0.text).finish()
    }
}

/// What the parser must not be given: its stack and its time grow with nesting.
fn within_bounds(text: &str) -> Result<(), InvalidClientRule> {
    if text.trim().is_empty() {
        return Err(InvalidClientRule::Empty);
    }
    let chars = text.chars().count();
    if chars > CHARS_MAX {
        return Err(InvalidClientRule::TooLong {
            chars,
            most: CHARS_MAX,
        });
    }
    let bounds: [(&'static str, &[char], usize); 2] = [
        ("opening brackets", &['(', '[', '{'], BRACKETS_MAX),
        ("question marks", &['?'], QUESTIONS_MAX),
    ];
    for (what, counted, most) in bounds {
        let count = text.matches(counted).count();
        if count > most {
            return Err(InvalidClientRule::TooMany { what, count, most });
        }
    }
    Ok(())
}

fn first_of(errors: &cel::ParseErrors) -> InvalidClientRule {
    let Some(first) = errors.errors.first() else {
        return InvalidClientRule::Unreadable {
            why: "it is no CEL expression".to_owned(),
        };
    };
    let why = told(&first.msg);
    match (usize::try_from(first.pos.0), usize::try_from(first.pos.1)) {
        (Ok(line), Ok(column)) if line > 0 => InvalidClientRule::Syntax { line, column, why },
        _ => InvalidClientRule::Unreadable { why },
    }
}

/// The most that an evaluation can be: no list has more items than all lists of the rule together, what stands in a loop
/// is evaluated for each item, and each time it may go over all that there is.
fn work(checked: &Checked, longest: u64, bytes: u64) -> u64 {
    let round = longest
        .saturating_mul(checked.facts)
        .saturating_add(checked.items)
        .saturating_add(1);
    let mut rounds = 1_u64;
    let mut steps = 0_u64;
    for expressions in checked.expressions {
        steps = steps.saturating_add(expressions.saturating_mul(rounds));
        rounds = rounds.saturating_mul(round);
    }
    let looked_at = bytes.saturating_mul(checked.sums.saturating_add(1));
    steps.saturating_mul(looked_at.max(BYTES_MIN))
}

/// The verdict of an evaluation, whatever comes of it.
fn guarded(evaluate: impl FnOnce() -> Result<Value, ExecutionError>) -> Verdict {
    // Nothing that the evaluation touches is looked at again after it broke down.
    match catch_unwind(AssertUnwindSafe(evaluate)) {
        Ok(Ok(Value::Bool(true))) => Verdict::Admitted,
        Ok(Ok(Value::Bool(false))) => Verdict::NotAdmitted,
        Ok(Ok(other)) => Verdict::Failed(RuleFailure::Evaluation {
            why: format!("it says {} instead of true or false", other.type_of()),
        }),
        Ok(Err(error)) => Verdict::Failed(RuleFailure::Evaluation {
            why: in_plain_words(&error),
        }),
        Err(_) => Verdict::Failed(RuleFailure::Panicked),
    }
}

fn in_plain_words(error: &ExecutionError) -> String {
    if let ExecutionError::IndexOutOfBounds(Value::Int(place)) = error {
        return format!("it asks for item [{place}] of a list that has no such item");
    }
    let is_by_zero = matches!(
        error,
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_)
    );
    if is_by_zero {
        "it divides by zero".to_owned()
    } else {
        told(&error.to_string())
    }
}

/// Words of the parser or the evaluator, fit to be shown: they can quote the rule, and facts.
fn told(words: &str) -> String {
    let mut shown = String::new();
    for character in words.chars().take(WHY_CHARS_MAX) {
        // Quotation marks stay; line ends, and what cannot be seen or turns the text's direction, does not.
        if character.is_ascii_graphic() || character == ' ' {
            shown.push(character);
        } else {
            shown.extend(character.escape_debug());
        }
    }
    shown
}

#[cfg(test)]
mod tests;
