use crate::domain::catalog::Catalog;
use crate::domain::environment::Environment;
use crate::manifest::plan::Unnamed;
use crate::manifest::read;
use crate::manifest::testing::{carried_out, lines, plan};

const PLACE: &str = "[[realm]]\nname = 'acme'\n[[realm.trust]]\nenvironment = 'prod'\n";
const A: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn entry(what: &str, more: &str) -> String {
    format!("[[realm.trust.deny]]\n{what}\nreason = 'lost'\n{more}\n")
}

fn applied(catalog: &Catalog, manifest: &str) -> Catalog {
    carried_out(catalog, plan(catalog, manifest, Unnamed::Stay).unwrap())
}

fn count(catalog: &Catalog) -> usize {
    let realm = catalog.realms.values().next().unwrap();
    realm.denials.get(Environment::Prod).len()
}

fn confirmations(catalog: &Catalog, manifest: &str, unnamed: Unnamed) -> Vec<String> {
    let plan = plan(catalog, manifest, unnamed).unwrap();
    let lines = lines(&plan);
    let steps = plan.steps.iter().zip(lines);
    steps
        .filter(|(step, _)| step.needs_confirmation)
        .map(|(_, line)| line)
        .collect()
}

#[test]
fn entries_are_added_changed_and_only_pruned_when_that_is_asked_for() {
    let key = entry(&format!("key-sha256 = '{A}'"), "");
    let all = [
        PLACE,
        &key,
        &entry(&format!("certificate-sha256 = '{A}'"), ""),
        &entry("serial = '0A:3F'", "until = '2030-07-01'"),
        &entry("serial = '0a3f'", "issuer = 'CN=Root,O=Acme'"),
        &entry("subject = 'CN=client-1,O=Acme\\, Inc.'", ""),
    ]
    .concat();
    let catalog = applied(&Catalog::default(), &all);
    assert_eq!(count(&catalog), 5);
    let again = plan(&catalog, &all, Unnamed::Go).unwrap();
    assert!(again.is_empty(), "{:?}", lines(&again));
    let fewer = format!("{PLACE}{key}");
    assert!(plan(&catalog, &fewer, Unnamed::Stay).unwrap().is_empty());
    let gone = confirmations(&catalog, &fewer, Unnamed::Go);
    assert_eq!(gone.len(), 4, "{gone:?}");
    assert!(gone.contains(&"delete denial serial 0a3f of CN=Root,O=Acme in prod".to_owned()));
    let bare = "[[realm]]\nname = 'acme'\n";
    assert_eq!(confirmations(&catalog, bare, Unnamed::Go).len(), 5);
    let pruned = carried_out(&catalog, plan(&catalog, &fewer, Unnamed::Go).unwrap());
    assert_eq!(count(&pruned), 1);
}

#[test]
fn an_earlier_end_asks_and_a_later_one_does_not() {
    let with = |more: &str| format!("{PLACE}{}", entry(&format!("key-sha256 = '{A}'"), more));
    let catalog = applied(&Catalog::default(), &with("until = '2030-07-01'"));
    let asked = |more: &str| confirmations(&catalog, &with(more), Unnamed::Stay).len();
    assert_eq!(asked("until = '2030-06-15'"), 1);
    assert_eq!(asked("until = '2030-07-02'"), 0);
    assert_eq!(asked(""), 0);
}

#[test]
fn an_entry_that_has_ended_is_left_out() {
    let over = format!(
        "{PLACE}{}",
        entry(&format!("key-sha256 = '{A}'"), "until = '2030-05-01'")
    );
    let plan = plan(&Catalog::default(), &over, Unnamed::Stay).unwrap();
    let step = plan.steps.last().unwrap();
    assert!(step.commands.is_empty() && step.detail.ends_with("which is over"));
    assert_eq!(count(&carried_out(&Catalog::default(), plan)), 0);
}

#[test]
fn what_cannot_be_is_told_with_its_place() {
    let two = format!("key-sha256 = '{A}'\nserial = '01'");
    let cases = [
        (
            entry("", ""),
            "'deny', number 1: say what is denied by exactly one of",
        ),
        (entry(&two, ""), "by exactly one of"),
        (
            entry("subject = 'CN=a'\nissuer = 'CN=b'", ""),
            "'issuer' belongs to 'serial'",
        ),
        (
            [entry("serial = '0a'", ""), entry("serial = 'A'", "")].concat(),
            "number 2, stands there already",
        ),
    ];
    for (text, expect) in cases {
        let error = plan(
            &Catalog::default(),
            &format!("{PLACE}{text}"),
            Unnamed::Stay,
        );
        let told = error.unwrap_err().to_string();
        assert!(told.contains(expect), "{told}");
    }
    for (text, expect) in [
        (
            entry("subject = 'C=US, O=Acme, CN=a'", ""),
            "most specific part first",
        ),
        (entry("subject = 'CN=a…'", ""), "a part of it is missing"),
        (entry("serial = 'x'", ""), "hexadecimal"),
        (entry("serial = '01'", "until = 'soon'"), "not a time"),
        (
            "[[realm.trust.deny]]\nserial = '01'\nreason = ' '\n".to_owned(),
            "needs a reason",
        ),
        ("[[realm.trust.deny]]\nserial = '01'\n".to_owned(), "reason"),
    ] {
        let told = read::toml(&format!("{PLACE}{text}"))
            .unwrap_err()
            .to_string();
        assert!(told.contains(expect), "{told}");
    }
}
