//! What a rule may say: every name is known, every operator is applied to what it can be applied to, all of it says true
//! or false, and its size is bounded.
//!
//! CEL leaves types to the evaluation. The facts are texts and lists of texts, so a rule's types follow from its text,
//! and a mistake shows when it is saved, not when the first client is refused for it.

use std::fmt;

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};

use crate::rule::facts::Fact;
use crate::rule::invalid::InvalidClientRule;

/// How deep expressions may stand within each other, those that a macro stands for counted.
pub const DEPTH_MAX: usize = 32;
/// The most expressions of a rule, those that a macro stands for counted.
pub const EXPRESSIONS_MAX: usize = 500;
/// The most loops: `all`, `exists`, `exists_one` and `filter`.
pub const LOOPS_MAX: usize = 4;
/// How deep loops may stand within each other.
pub const LOOP_DEPTH_MAX: usize = 2;

/// The variable that holds the facts.
pub(crate) const CLIENT: &str = "client";

const LOOPS: &str = "all(), exists(), exists_one() and filter()";
const FUNCTIONS: &str = "size(), startsWith(), endsWith(), contains(), lowerAscii(), all(), exists(), exists_one() and filter()";

/// What was found out about a rule that may be.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// The facts that it asks for, each once.
    pub(crate) asks: Vec<Fact>,
    /// How many expressions stand outside of loops, in one, and in two.
    pub(crate) expressions: [u64; LOOP_DEPTH_MAX + 1],
    /// How often it names a fact.
    pub(crate) facts: u64,
    /// How many items it writes into lists.
    pub(crate) items: u64,
    /// How often it adds up: texts grow by nothing else.
    pub(crate) sums: u64,
}

/// Checks a parsed rule.
///
/// # Errors
/// [`InvalidClientRule`].
pub(crate) fn check(rule: &IdedExpr) -> Result<Checked, InvalidClientRule> {
    let mut checker = Checker::default();
    match checker.type_of(rule, Place::default())? {
        Type::Bool => Ok(checker.found),
        other @ (Type::Int | Type::Text | Type::List(_) | Type::Any) => {
            Err(InvalidClientRule::NotABool {
                found: other.to_string(),
            })
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Type {
    Bool,
    Int,
    Text,
    List(Box<Self>),
    /// What a list without items holds.
    Any,
}

impl Type {
    fn list(self) -> Self {
        Self::List(Box::new(self))
    }

    /// The type that both are.
    fn with(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Any, one) | (one, Self::Any) => Some(one.clone()),
            (Self::List(one), Self::List(other)) => one.with(other).map(Self::list),
            (one, other) => (one == other).then(|| one.clone()),
        }
    }

    fn is(&self, other: &Self) -> bool {
        self.with(other).is_some()
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("true or false"),
            Self::Int => f.write_str("a number"),
            Self::Text => f.write_str("a text"),
            Self::List(items) => match &**items {
                Self::Text => f.write_str("a list of texts"),
                Self::Int => f.write_str("a list of numbers"),
                Self::Bool | Self::List(_) | Self::Any => f.write_str("a list"),
            },
            Self::Any => f.write_str("an item of an empty list"),
        }
    }
}

/// How far in an expression stands.
#[derive(Clone, Copy, Default)]
struct Place {
    depth: usize,
    loops: usize,
}

impl Place {
    const fn within(self) -> Self {
        Self {
            depth: self.depth.saturating_add(1),
            loops: self.loops,
        }
    }

    const fn within_loop(self) -> Self {
        Self {
            depth: self.depth.saturating_add(1),
            loops: self.loops.saturating_add(1),
        }
    }
}

#[derive(Default)]
struct Checker {
    found: Checked,
    expressions: usize,
    loops: usize,
    variables: Vec<(String, Type)>,
}

impl Checker {
    fn type_of(&mut self, rule: &IdedExpr, place: Place) -> Result<Type, InvalidClientRule> {
        if place.depth >= DEPTH_MAX {
            return Err(InvalidClientRule::TooDeep { most: DEPTH_MAX });
        }
        self.expressions = self.expressions.saturating_add(1);
        if self.expressions > EXPRESSIONS_MAX {
            return Err(InvalidClientRule::TooLarge {
                most: EXPRESSIONS_MAX,
            });
        }
        if let Some(count) = self.found.expressions.get_mut(place.loops) {
            *count = count.saturating_add(1);
        }
        match &rule.expr {
            Expr::Literal(literal) => of_literal(literal),
            Expr::Ident(name) => self.variable(name),
            Expr::Select(select) if select.test => Err(InvalidClientRule::Unsupported {
                what: "has()",
                instead: "every fact is there; where it can be empty, compare it, as in size(client.dns) > 0",
            }),
            Expr::Select(select) if names_client(&select.operand) => self.fact(&select.field),
            Expr::Select(select) => {
                self.type_of(&select.operand, place.within())?;
                Err(InvalidClientRule::NoParts {
                    name: shortened(&select.field),
                })
            }
            Expr::List(list) => {
                let mut items = Type::Any;
                for element in &list.elements {
                    self.found.items = self.found.items.saturating_add(1);
                    let item = self.type_of(element, place.within())?;
                    items = items.with(&item).ok_or(InvalidClientRule::MixedList {
                        first: items.to_string(),
                        other: item.to_string(),
                    })?;
                }
                Ok(items.list())
            }
            Expr::Call(call) => self.call(call, place),
            Expr::Comprehension(looped) => self.looped(looped, place),
            Expr::Map(_) | Expr::Struct(_) => Err(InvalidClientRule::Unsupported {
                what: "maps and messages",
                instead: "write lists, as in [\"a\", \"b\"]",
            }),
            Expr::Unspecified => Err(InvalidClientRule::Unsupported {
                what: "an expression that is left out",
                instead: "write it out",
            }),
        }
    }

    fn variable(&self, name: &str) -> Result<Type, InvalidClientRule> {
        let mut variables = self.variables.iter().rev();
        match variables.find(|(known, _)| known == name) {
            Some((_, of)) => Ok(of.clone()),
            None if name == CLIENT => Err(InvalidClientRule::BareClient),
            None => Err(InvalidClientRule::UnknownName {
                name: shortened(name),
            }),
        }
    }

    fn fact(&mut self, name: &str) -> Result<Type, InvalidClientRule> {
        let fact = Fact::named(name).ok_or_else(|| InvalidClientRule::UnknownFact {
            name: shortened(name),
            known: Fact::ALL.map(Fact::as_str).join(", "),
        })?;
        if !self.found.asks.contains(&fact) {
            self.found.asks.push(fact);
        }
        self.found.facts = self.found.facts.saturating_add(1);
        Ok(if fact.is_list() {
            Type::Text.list()
        } else {
            Type::Text
        })
    }

    fn call(&mut self, call: &CallExpr, place: Place) -> Result<Type, InvalidClientRule> {
        let name = call.func_name.as_str();
        if !is_known(name) {
            return Err(InvalidClientRule::UnknownFunction {
                name: shortened(name),
                known: FUNCTIONS,
            });
        }
        let mut operands = Vec::new();
        for operand in call.target.as_deref().into_iter().chain(&call.args) {
            operands.push(self.type_of(operand, place.within())?);
        }
        if name == operators::ADD {
            self.found.sums = self.found.sums.saturating_add(1);
        }
        let is_member = call.target.is_some();
        applied(name, is_member, &operands).ok_or_else(|| InvalidClientRule::Operands {
            operator: name.trim_matches(['_', '@']).replace(['_', '?'], " "),
            operands: match operands.as_slice() {
                [] => "nothing".to_owned(),
                some => some
                    .iter()
                    .map(Type::to_string)
                    .collect::<Vec<_>>()
                    .join(" and "),
            },
            hint: membership(call),
        })
    }

    /// What a macro stands for; nothing else is written as a loop.
    fn looped(
        &mut self,
        looped: &ComprehensionExpr,
        place: Place,
    ) -> Result<Type, InvalidClientRule> {
        self.loops = self.loops.saturating_add(1);
        if self.loops > LOOPS_MAX {
            return Err(InvalidClientRule::TooManyLoops { most: LOOPS_MAX });
        }
        if place.loops >= LOOP_DEPTH_MAX {
            return Err(InvalidClientRule::LoopsTooDeep {
                most: LOOP_DEPTH_MAX,
            });
        }
        if looped.iter_var == CLIENT {
            return Err(InvalidClientRule::HidesClient { loops: LOOPS });
        }
        let range = self.type_of(&looped.iter_range, place.within())?;
        let Type::List(items) = range else {
            return Err(InvalidClientRule::Operands {
                operator: LOOPS.to_owned(),
                operands: range.to_string(),
                hint: None,
            });
        };
        let before = self.variables.len();
        let gathers = matches!(looped.accu_init.expr, Expr::List(_));
        if gathers && !keeps_items(looped) {
            return Err(InvalidClientRule::Unsupported {
                what: "map()",
                instead: "ask with exists() or all(), or keep items with filter()",
            });
        }
        let begins = if gathers {
            (*items).clone().list()
        } else {
            self.type_of(&looped.accu_init, place.within())?
        };
        self.variables
            .push((looped.accu_var.clone(), begins.clone()));
        self.variables.push((looped.iter_var.clone(), *items));
        let inside = place.within_loop();
        let goes_on = self.type_of(&looped.loop_cond, inside)?;
        let step = self.type_of(&looped.loop_step, inside)?;
        let result = self.type_of(&looped.result, place.within())?;
        self.variables.truncate(before);
        if goes_on.is(&Type::Bool) && step.is(&begins) {
            Ok(result)
        } else {
            Err(InvalidClientRule::Operands {
                operator: LOOPS.to_owned(),
                operands: step.to_string(),
                hint: None,
            })
        }
    }
}

/// What is meant where a list is compared with a text, or looked up in other texts: whether the text is in it.
fn membership(call: &CallExpr) -> Option<String> {
    let compares = [operators::EQUALS, operators::NOT_EQUALS, operators::IN];
    if !compares.contains(&call.func_name.as_str()) {
        return None;
    }
    let list = call.args.iter().find_map(|operand| {
        let Expr::Select(select) = &operand.expr else {
            return None;
        };
        let fact = Fact::named(&select.field).filter(|fact| fact.is_list())?;
        names_client(&select.operand).then_some(fact)
    })?;
    Some(format!(
        ": client.{list} is a list, so ask whether a text is in it, as in \"x\" in client.{list}",
        list = list.as_str()
    ))
}

fn names_client(operand: &IdedExpr) -> bool {
    matches!(&operand.expr, Expr::Ident(name) if name == CLIENT)
}

fn of_literal(literal: &LiteralValue) -> Result<Type, InvalidClientRule> {
    match literal {
        LiteralValue::Boolean(_) => Ok(Type::Bool),
        LiteralValue::Int(_) => Ok(Type::Int),
        LiteralValue::String(_) => Ok(Type::Text),
        LiteralValue::Bytes(_)
        | LiteralValue::Double(_)
        | LiteralValue::UInt(_)
        | LiteralValue::Null => Err(InvalidClientRule::Unsupported {
            what: "null, bytes, and numbers other than plain whole ones",
            instead: "the facts are texts and lists of texts",
        }),
    }
}

/// Whether a loop that gathers a list keeps items as they are, so that the list is no longer than the one it is made of:
/// `c ? @result + [x] : @result`.
fn keeps_items(looped: &ComprehensionExpr) -> bool {
    let Expr::Call(choice) = &looped.loop_step.expr else {
        return false;
    };
    let [_, kept, _] = choice.args.as_slice() else {
        return false;
    };
    let Expr::Call(sum) = &kept.expr else {
        return false;
    };
    let [_, added] = sum.args.as_slice() else {
        return false;
    };
    let Expr::List(added) = &added.expr else {
        return false;
    };
    choice.func_name == operators::CONDITIONAL
        && sum.func_name == operators::ADD
        && matches!(added.elements.as_slice(), [one] if one.expr == Expr::Ident(looped.iter_var.clone()))
}

fn is_known(name: &str) -> bool {
    [
        operators::CONDITIONAL,
        operators::LOGICAL_AND,
        operators::LOGICAL_OR,
        operators::LOGICAL_NOT,
        operators::NOT_STRICTLY_FALSE,
        operators::SUBSTRACT,
        operators::ADD,
        operators::MULTIPLY,
        operators::DIVIDE,
        operators::MODULO,
        operators::NEGATE,
        operators::EQUALS,
        operators::NOT_EQUALS,
        operators::GREATER_EQUALS,
        operators::LESS_EQUALS,
        operators::GREATER,
        operators::LESS,
        operators::INDEX,
        operators::IN,
        "size",
        "startsWith",
        "endsWith",
        "contains",
        "lowerAscii",
    ]
    .contains(&name)
}

/// The type of an operator or function applied to operands; `None` where it cannot be.
fn applied(name: &str, is_member: bool, operands: &[Type]) -> Option<Type> {
    use Type::{Bool, Int, List, Text};
    if is_member && operators::find_operator(name).is_some() {
        return None;
    }
    match (name, operands) {
        (operators::LOGICAL_AND | operators::LOGICAL_OR, [one, other]) => {
            (one.is(&Bool) && other.is(&Bool)).then_some(Bool)
        }
        (operators::LOGICAL_NOT | operators::NOT_STRICTLY_FALSE, [one]) => {
            one.is(&Bool).then_some(Bool)
        }
        (operators::CONDITIONAL, [condition, one, other]) => {
            one.with(other).filter(|_| condition.is(&Bool))
        }
        (operators::EQUALS | operators::NOT_EQUALS, [one, other]) => one.is(other).then_some(Bool),
        (
            operators::LESS
            | operators::LESS_EQUALS
            | operators::GREATER
            | operators::GREATER_EQUALS,
            [one, other],
        ) => {
            let alike = |of: &Type| one.is(of) && other.is(of);
            (alike(&Int) || alike(&Text)).then_some(Bool)
        }
        (operators::IN, [item, List(items)]) => item.is(items).then_some(Bool),
        (operators::ADD, [one @ (Int | Text | List(_)), other]) => one.with(other),
        (
            operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE | operators::MODULO,
            [one, other],
        ) => (one.is(&Int) && other.is(&Int)).then_some(Int),
        (operators::NEGATE, [one]) => one.is(&Int).then_some(Int),
        (operators::INDEX, [List(items), place]) => place.is(&Int).then(|| (**items).clone()),
        ("size", [Text | List(_)]) => Some(Int),
        ("startsWith" | "endsWith" | "contains", [of, part]) if is_member => {
            (of.is(&Text) && part.is(&Text)).then_some(Bool)
        }
        ("lowerAscii", [of]) if is_member => of.is(&Text).then_some(Text),
        _ => None,
    }
}

pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}
