//! Certificate policies (RFC 5280, 6.1, with the algorithm of RFC 9618): whether a path has one where it has to.
//!
//! The inputs are those that RFC 5280 gives to whoever has no policy of its own: every policy will do
//! (user-initial-policy-set is any-policy), and no initial flag is set. So nothing is asked of policies unless a CA of the
//! path asks for one by requireExplicitPolicy. The trust anchor is no part of this, as in RFC 5280.
//!
//! RFC 9618 keeps a graph of policies, one level for each certificate. Which of the anchor's policies a policy of the
//! client's came from is of no interest here, so that only the lowest level is kept: a graph is empty exactly where its
//! lowest level is. The work is linear in what the certificates say.

use std::collections::{BTreeMap, BTreeSet};

use crate::pki::certificate::{Certificate, Facts};
use crate::pki::policy::{Oid, PolicyMapping};
use crate::trust::finding::{Finding, Role, called};
use crate::trust::reason::Reason;
use crate::trust::search::Path;

const POLICY_CONSTRAINTS: &str = "2.5.29.36";
const INHIBIT_ANY_POLICY: &str = "2.5.29.54";

/// Holds a path to the certificate policies that its CAs require.
///
/// # Errors
/// `wrong-usage` where a policy is required and none is left, or where anyPolicy is mapped; `malformed-certificate` where policyConstraints or
/// inhibitAnyPolicy are not critical, which RFC 5280, 4.2.1.11 and 4.2.1.14 do not allow.
pub fn check(path: &Path) -> Result<(), Finding> {
    let mut certificates: Vec<(Role, &Certificate)> = path
        .certificates()
        .filter(|(role, _)| *role != Role::Anchor)
        .collect();
    for (role, certificate) in &certificates {
        is_critical(*role, certificate)?;
    }
    certificates.reverse();
    let mut state = State::new(certificates.len());
    for (role, certificate) in certificates {
        let facts = certificate.facts();
        state.take_policies(role, facts);
        if role == Role::Client {
            state.wrap_up(certificate);
        }
        if state.explicit_policy == 0 && state.valid.is_empty() {
            return Err(state.finding(role, certificate));
        }
        if role != Role::Client {
            maps_no_any_policy(role, certificate)?;
            state.prepare_for_next(role, certificate);
        }
    }
    Ok(())
}

/// RFC 5280, 6.1.4 (a).
fn maps_no_any_policy(role: Role, certificate: &Certificate) -> Result<(), Finding> {
    let mappings = &certificate.facts().rare().policy_mappings;
    let is_any =
        |mapping: &PolicyMapping| mapping.issuer.is_any_policy() || mapping.subject.is_any_policy();
    if !mappings.iter().any(is_any) {
        return Ok(());
    }
    let called = called(role, certificate);
    Err(Finding::new(
        Reason::WrongUsage,
        format!("The {called} maps anyPolicy to a policy, or a policy to it, which nobody may."),
    ))
}

fn is_critical(role: Role, certificate: &Certificate) -> Result<(), Finding> {
    let facts = certificate.facts();
    let is_marked = |oid: &str| facts.critical.iter().any(|critical| critical == oid);
    let has = [
        (
            facts.rare().policy_constraints.is_some(),
            POLICY_CONSTRAINTS,
            "policyConstraints",
        ),
        (
            facts.rare().inhibit_any_policy.is_some(),
            INHIBIT_ANY_POLICY,
            "inhibitAnyPolicy",
        ),
    ];
    for (is_there, oid, name) in has {
        if is_there && !is_marked(oid) {
            let called = called(role, certificate);
            let detail = format!(
                "The {called} has the extension {name}, which has to be critical and is not."
            );
            return Err(Finding::new(Reason::MalformedCertificate, detail));
        }
    }
    Ok(())
}

/// The policies at one level, or those that are expected at the next: named ones, and whether every one is.
#[derive(Debug, Default)]
struct Policies<'a> {
    named: BTreeSet<&'a Oid>,
    any: bool,
}

impl Policies<'_> {
    fn is_empty(&self) -> bool {
        self.named.is_empty() && !self.any
    }
}

/// The state variables of RFC 5280, 6.1.2; a number that counts down to zero says after how many certificates something
/// holds.
struct State<'a> {
    /// The valid policies of the certificate looked at last.
    valid: Policies<'a>,
    /// What they are called in the next one.
    expected: Policies<'a>,
    explicit_policy: u32,
    inhibit_any_policy: u32,
    policy_mapping: u32,
    /// Who required a policy first of all.
    requires: Option<(Role, &'a Certificate)>,
}

impl<'a> State<'a> {
    fn new(certificates: usize) -> Self {
        let never = u32::try_from(certificates)
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        Self {
            valid: Policies::default(),
            expected: Policies {
                named: BTreeSet::new(),
                any: true,
            },
            explicit_policy: never,
            inhibit_any_policy: never,
            policy_mapping: never,
            requires: None,
        }
    }

    /// RFC 9618, 5.2 for RFC 5280, 6.1.3 (d) and (e).
    fn take_policies(&mut self, role: Role, facts: &'a Facts) {
        let expected = std::mem::take(&mut self.expected);
        let Some(stated) = &facts.rare().policies else {
            self.valid = Policies::default();
            return;
        };
        let mut valid = Policies {
            named: stated
                .iter()
                .filter(|policy| !policy.is_any_policy())
                .filter(|policy| expected.any || expected.named.contains(policy))
                .collect(),
            any: false,
        };
        let may_be_any = self.inhibit_any_policy > 0 || (role != Role::Client && facts.self_issued);
        if may_be_any && stated.iter().any(Oid::is_any_policy) {
            valid.named.extend(expected.named);
            valid.any = expected.any;
        }
        self.valid = valid;
    }

    /// RFC 5280, 6.1.4 (b) to (j), with RFC 9618 for (b).
    fn prepare_for_next(&mut self, role: Role, certificate: &'a Certificate) {
        let facts = certificate.facts();
        self.map(facts);
        if !facts.self_issued {
            self.explicit_policy = self.explicit_policy.saturating_sub(1);
            self.policy_mapping = self.policy_mapping.saturating_sub(1);
            self.inhibit_any_policy = self.inhibit_any_policy.saturating_sub(1);
        }
        let constraints = facts.rare().policy_constraints.unwrap_or_default();
        if let Some(after) = constraints.require_explicit
            && after < self.explicit_policy
        {
            self.explicit_policy = after;
            self.requires = Some((role, certificate));
        }
        if let Some(after) = constraints.inhibit_mapping {
            self.policy_mapping = self.policy_mapping.min(after);
        }
        if let Some(after) = facts.rare().inhibit_any_policy {
            self.inhibit_any_policy = self.inhibit_any_policy.min(after);
        }
    }

    /// Says what the valid policies are called from here on.
    fn map(&mut self, facts: &'a Facts) {
        let valid = std::mem::take(&mut self.valid);
        let mut mapped: BTreeMap<&Oid, Vec<&'a Oid>> = BTreeMap::new();
        for mapping in &facts.rare().policy_mappings {
            mapped
                .entry(&mapping.issuer)
                .or_default()
                .push(&mapping.subject);
        }
        let is_mapped = |policy: &&Oid| mapped.contains_key(policy);
        let unmapped = valid
            .named
            .iter()
            .copied()
            .filter(|policy| !is_mapped(policy));
        let mut expected = Policies {
            named: unmapped.collect(),
            any: valid.any,
        };
        // Where mappings are inhibited, what is mapped ends here.
        if self.policy_mapping > 0 {
            for (policy, subjects) in &mapped {
                if valid.any || valid.named.contains(policy) {
                    expected.named.extend(subjects.iter().copied());
                }
            }
        }
        self.expected = expected;
    }

    /// RFC 5280, 6.1.5 (a) and (b).
    fn wrap_up(&mut self, leaf: &'a Certificate) {
        self.explicit_policy = self.explicit_policy.saturating_sub(1);
        let constraints = leaf.facts().rare().policy_constraints.unwrap_or_default();
        if constraints.require_explicit == Some(0) {
            self.explicit_policy = 0;
            self.requires.get_or_insert((Role::Client, leaf));
        }
    }

    fn finding(&self, role: Role, certificate: &Certificate) -> Finding {
        let this = called(role, certificate);
        let detail = match self.requires {
            Some((role, issuer)) => format!(
                "The {this} has no certificate policy that is valid on its path, which the {} requires.",
                called(role, issuer)
            ),
            None => format!("The {this} has no certificate policy that is valid on its path."),
        };
        Finding::new(Reason::WrongUsage, detail)
    }
}

#[cfg(test)]
mod tests;
