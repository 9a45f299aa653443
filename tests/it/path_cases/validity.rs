//! Validity (RFC 5280, 4.1.2.5 and 6.1.3 (a)(2)).

use realmgate::trust::reason::Reason;

use crate::foundry::asn1::integer;
use crate::foundry::certificate::{ca, leaf};
use crate::foundry::moment::{generalized, utc};
use crate::path_cases::case::{Case, case};

const VALIDITY: &str = "6.1.3 (a)(2)";
const TIME: &str = "4.1.2.5";

pub fn cases() -> Vec<Case> {
    let mut cases = out_of_time();
    cases.extend(ways_to_write());
    cases.extend(no_times());
    cases
}

fn out_of_time() -> Vec<Case> {
    let root = ca("Root");
    let early = || utc("400101000000Z");
    let late = || utc("210101000000Z");
    let sub = ca("Sub").issued_by(&root);
    let client = leaf("client").issued_by(&sub);
    let early_sub = sub.clone().from(early());
    let late_sub = sub.clone().until(late());
    let early_root = ca("Early Root").from(early());
    let of_both = |name, sent: &[_]| case(name, VALIDITY, sent).trusting(&root);
    vec![
        of_both(
            "the client certificate is not valid yet",
            &[&client.clone().from(early()), &sub],
        )
        .refused(Reason::NotYetValid),
        of_both(
            "the client certificate has expired",
            &[&client.clone().until(late()), &sub],
        )
        .refused(Reason::Expired),
        of_both("the intermediate is not valid yet", &[&client, &early_sub])
            .refused(Reason::NotYetValid),
        of_both("the intermediate has expired", &[&client, &late_sub]).refused(Reason::Expired),
        case(
            "the anchor is not valid yet",
            "6.2, stricter",
            &[&leaf("client").issued_by(&early_root)],
        )
        .trusting(&early_root)
        .refused(Reason::NotYetValid),
        of_both(
            "the validity ended before it began, both in the past",
            &[
                &client
                    .clone()
                    .from(utc("240101000000Z"))
                    .until(utc("230101000000Z")),
                &sub,
            ],
        )
        .refused(Reason::Expired),
        of_both(
            "the validity is to begin, and has ended",
            &[&client.clone().from(early()).until(late()), &sub],
        )
        .refused(Reason::NotYetValid),
        of_both(
            "an expired certificate of the same intermediate comes before a valid one",
            &[&client, &late_sub, &sub],
        )
        .accepted(),
    ]
}

fn ways_to_write() -> Vec<Case> {
    let root = ca("Root");
    let client = leaf("client").issued_by(&root);
    let ways = [
        (
            "a beginning before 2050 as GeneralizedTime",
            client.clone().from(generalized("20240101000000Z")),
        ),
        (
            "an end before 2050 as GeneralizedTime",
            client.clone().until(generalized("20450101000000Z")),
        ),
        (
            "an end in 2060 as GeneralizedTime",
            client.clone().until(generalized("20600101000000Z")),
        ),
        (
            "no end (99991231235959Z)",
            client.clone().until(generalized("99991231235959Z")),
        ),
        (
            "a UTCTime of the year 50 is 1950",
            client.clone().from(utc("500101120000Z")),
        ),
        ("a leap day", client.clone().from(utc("240229000000Z"))),
    ];
    let mut cases: Vec<Case> = ways
        .iter()
        .map(|(name, client)| case(name, TIME, &[client]).trusting(&root).accepted())
        .collect();
    cases.push(
        case(
            "a UTCTime of the year 99 is 1999",
            TIME,
            &[&client.until(utc("991231235959Z"))],
        )
        .trusting(&root)
        .refused(Reason::Expired),
    );
    cases
}

fn no_times() -> Vec<Case> {
    let root = ca("Root");
    let client = leaf("client").issued_by(&root);
    let sub = ca("Sub").issued_by(&root);
    let bad_sub = sub.clone().until(utc("4501010000Z"));
    let wrong = [
        ("a UTCTime without seconds", utc("4501010000Z")),
        ("a UTCTime with an offset", utc("450101000000+0100")),
        ("a UTCTime without a Z", utc("450101000000")),
        (
            "a GeneralizedTime with a fraction",
            generalized("20450101000000.5Z"),
        ),
        (
            "a GeneralizedTime without a Z",
            generalized("20450101000000"),
        ),
        (
            "a GeneralizedTime with an offset",
            generalized("20450101000000+0000"),
        ),
        ("a thirteenth month", utc("451301000000Z")),
        ("a thirtieth of February", utc("450230000000Z")),
        ("a twenty-fifth hour", utc("450101250000Z")),
        ("a time without a digit", utc("")),
        ("a number where a time belongs", integer(5)),
    ];
    let mut cases: Vec<Case> = wrong
        .into_iter()
        .map(|(name, time)| {
            case(name, TIME, &[&client.clone().until(time)])
                .trusting(&root)
                .refused(Reason::MalformedCertificate)
        })
        .collect();
    cases.push(
        case(
            "an intermediate's time without seconds",
            TIME,
            &[&leaf("client").issued_by(&sub), &bad_sub],
        )
        .trusting(&root)
        .refused(Reason::MalformedCertificate),
    );
    cases
}
