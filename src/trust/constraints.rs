//! Name constraints (RFC 5280, 4.2.1.10; 6.1.3 (b) and (c); 6.1.4 (g)).
//!
//! Each certificate is held to the constraints of every CA above it, the trust anchor included; the ones that an issuer
//! gave to itself are not, unless the path ends in them. Permitted subtrees of several CAs so intersect, and excluded
//! ones add up. Which names lie within a subtree: [`crate::trust::subtree`].
//!
//! A certificate's names are its subject, unless that is empty, and all its alternative names. Where it has no
//! alternative name of the kind, the mail addresses of its subject count as such; so do, of a client's certificate,
//! common names that look like DNS names, as OpenSSL does it: somebody may take them for such.
//!
//! Constraints are in force whether they are critical or not.

use std::borrow::Cow;
use std::cell::Cell;

use crate::pki::certificate::Certificate;
use crate::pki::general_name::GeneralName;
use crate::pki::name;
use crate::trust::finding::{Finding, Role, called, named};
use crate::trust::reason::Reason;
use crate::trust::search::Path;
use crate::trust::subtree::{Base, Name, Place, Side};

/// The most comparisons of a name with a subtree for one path; enough for a hundred names and 2,500 subtrees.
pub const COMPARISONS_MAX: u32 = 250_000;

/// The most comparisons of one judgement, over all paths that it tries.
pub const JUDGEMENT_COMPARISONS_MAX: u32 = 1_000_000;

const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const EMAIL_ADDRESS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1];

/// Holds the names of a path to the constraints in it.
///
/// # Errors
/// `name-constraint`: the first name that is excluded, or not permitted, or cannot be compared with a constraint of its
/// kind; from the client's certificate up. Also where there is more to compare than [`COMPARISONS_MAX`].
///
/// `left` is how many comparisons the judgement may still make, of [`JUDGEMENT_COMPARISONS_MAX`] at first.
pub fn check(path: &Path, left: &Cell<u32>) -> Result<(), Finding> {
    let certificates: Vec<(Role, &Certificate)> = path.certificates().collect();
    let constraints: Vec<(usize, Constraints<'_>)> = certificates
        .iter()
        .enumerate()
        .skip(1)
        .filter_map(|(place, (role, issuer))| Some((place, Constraints::of(*role, issuer)?)))
        .collect();
    let given = COMPARISONS_MAX.min(left.get());
    let mut budget = given;
    let held = hold(&certificates, &constraints, &mut budget);
    let spent = given.saturating_sub(budget);
    left.set(left.get().saturating_sub(spent));
    held
}

fn hold(
    certificates: &[(Role, &Certificate)],
    constraints: &[(usize, Constraints<'_>)],
    budget: &mut u32,
) -> Result<(), Finding> {
    for (place, (role, certificate)) in certificates.iter().enumerate() {
        let mut above = constraints
            .iter()
            .filter(|(issuer, _)| *issuer > place)
            .peekable();
        let counts = *role == Role::Client || !certificate.facts().self_issued;
        if !counts || above.peek().is_none() {
            continue;
        }
        let names = names(*role, certificate);
        for (_, constraints) in above {
            let this = || called(*role, certificate);
            constraints.hold(&names, &this, budget)?;
        }
    }
    Ok(())
}

/// What one CA says of the names below it.
struct Constraints<'a> {
    role: Role,
    issuer: &'a Certificate,
    permitted: Vec<Subtree<'a>>,
    excluded: Vec<Subtree<'a>>,
}

struct Subtree<'a> {
    base: Base,
    shown: &'a GeneralName,
}

impl<'a> Constraints<'a> {
    fn of(role: Role, issuer: &'a Certificate) -> Option<Self> {
        let subtrees = issuer.facts().rare().subtrees.as_ref()?;
        let prepared = |bases: &'a [GeneralName]| {
            let prepare = |shown| Subtree {
                base: Base::of(shown),
                shown,
            };
            bases.iter().map(prepare).collect()
        };
        Some(Self {
            role,
            issuer,
            permitted: prepared(&subtrees.permitted),
            excluded: prepared(&subtrees.excluded),
        })
    }

    /// Holds the names of one certificate to them; `this` says which one it is.
    fn hold(
        &self,
        names: &[Named<'_>],
        this: &dyn Fn() -> String,
        budget: &mut u32,
    ) -> Result<(), Finding> {
        let comparisons = self.permitted.len().saturating_add(self.excluded.len());
        for name in names {
            let cost = u32::try_from(comparisons).unwrap_or(u32::MAX);
            let Some(left) = budget.checked_sub(cost) else {
                *budget = 0;
                let this = this();
                return Err(refused(format!(
                    "The {this} has more names than are compared with the name constraints of its issuers."
                )));
            };
            *budget = left;
            self.hold_one(name, this)?;
        }
        Ok(())
    }

    fn hold_one(&self, name: &Named<'_>, this: &dyn Fn() -> String) -> Result<(), Finding> {
        for subtree in &self.excluded {
            match subtree.base.place(Side::Excluded, &name.name) {
                Place::OtherKind | Place::Outside => {}
                Place::Inside => {
                    let by = self.called();
                    let base = subtree.told();
                    let name = name.told();
                    let this = this();
                    return Err(refused(format!(
                        "The {this} has the name {name}, which the {by} excludes ({base})."
                    )));
                }
                Place::Unclear => return Err(self.unclear(name, subtree, this)),
            }
        }
        let mut of_its_kind = Vec::new();
        let mut permitted = false;
        for subtree in &self.permitted {
            match subtree.base.place(Side::Permitted, &name.name) {
                Place::OtherKind => {}
                Place::Inside => permitted = true,
                Place::Outside => of_its_kind.push(subtree),
                Place::Unclear => return Err(self.unclear(name, subtree, this)),
            }
        }
        if permitted || of_its_kind.is_empty() {
            return Ok(());
        }
        let by = self.called();
        let bases = list(&of_its_kind);
        let name = name.told();
        let this = this();
        Err(refused(format!(
            "The {this} has the name {name}, which is not within what the {by} permits ({bases})."
        )))
    }

    fn unclear(
        &self,
        name: &Named<'_>,
        subtree: &Subtree<'_>,
        this: &dyn Fn() -> String,
    ) -> Finding {
        let by = self.called();
        let base = subtree.told();
        let name = name.told();
        let this = this();
        refused(format!(
            "The {this} has the name {name}, which cannot be compared with the name constraint {base} of the {by}."
        ))
    }

    fn called(&self) -> String {
        called(self.role, self.issuer)
    }
}

impl Subtree<'_> {
    fn told(&self) -> String {
        named(&self.shown.describe_base())
    }
}

/// A name of a certificate, with what it was made from.
struct Named<'a> {
    name: Name,
    shown: Option<Cow<'a, GeneralName>>,
}

impl<'a> Named<'a> {
    fn alternative(shown: &'a GeneralName) -> Self {
        Self {
            name: Name::of(shown),
            shown: Some(Cow::Borrowed(shown)),
        }
    }

    fn told(&self) -> String {
        match &self.shown {
            Some(name) => named(&name.describe()),
            None => "emailAddress that is no text".to_owned(),
        }
    }
}

fn names(role: Role, certificate: &Certificate) -> Vec<Named<'_>> {
    let facts = certificate.facts();
    let alternative = &facts.alternative_names;
    let mut names: Vec<Named<'_>> = alternative.iter().map(Named::alternative).collect();
    let subject = &facts.raw_subject;
    if name::is_empty(subject) {
        return names;
    }
    names.push(Named {
        name: Name::directory(subject),
        shown: Some(Cow::Owned(GeneralName::Directory(subject.clone()))),
    });
    let attributes = |kind| name::values(subject, kind).unwrap_or_default();
    if !alternative
        .iter()
        .any(|name| matches!(name, GeneralName::Email(_)))
    {
        names.extend(attributes(EMAIL_ADDRESS).into_iter().map(|text| Named {
            name: Name::email(text.as_deref()),
            shown: text.map(|text| Cow::Owned(GeneralName::Email(text))),
        }));
    }
    let has_dns_name = alternative
        .iter()
        .any(|name| matches!(name, GeneralName::Dns(_)));
    if role == Role::Client && !has_dns_name {
        names.extend(
            attributes(COMMON_NAME)
                .into_iter()
                .flatten()
                .filter_map(|text| {
                    Some(Named {
                        name: Name::common_name(&text)?,
                        shown: Some(Cow::Owned(GeneralName::Dns(text))),
                    })
                }),
        );
    }
    names
}

fn list(subtrees: &[&Subtree<'_>]) -> String {
    const SUBTREES_MAX: usize = 5;
    let mut texts: Vec<String> = subtrees
        .iter()
        .take(SUBTREES_MAX)
        .map(|subtree| subtree.told())
        .collect();
    if subtrees.len() > SUBTREES_MAX {
        texts.push("…".to_owned());
    }
    texts.join(", ")
}

fn refused(detail: String) -> Finding {
    Finding::new(Reason::NameConstraint, detail)
}

#[cfg(test)]
mod tests;
