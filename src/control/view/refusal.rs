//! Refused clients, as they are told.

use serde::Serialize;

use crate::control::authorise::{self, Matter};
use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::control::view::refusal_group;
use crate::control::view::time::Time;
use crate::domain::name::RealmName;
use crate::domain::refusal::{PresentedChain, RefusalRecord, ShownCertificate};
use crate::domain::token::Actor;
use crate::trust::reason::Reason;

/// The most records that are told at a time.
pub const REFUSAL_LIMIT_MAX: usize = 10_000;

/// One refused client.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusalView {
    /// Its place in the journal; to read on from.
    pub sequence: u64,
    /// When.
    pub at: Time,
    /// Whose, where it belongs to a realm.
    pub realm: Option<String>,
    /// At which gateway.
    pub gateway: &'static str,
    /// In which environment, where that was known.
    pub environment: Option<&'static str>,
    /// Where the client called from.
    pub address: String,
    /// The server name that it asked for.
    pub server_name: Option<String>,
    /// The stable reason code.
    pub reason: String,
    /// What happened.
    pub sentence: String,
    /// What the caller should do.
    pub advice: Option<&'static str>,
    /// The certificate that was shown.
    pub certificate: Option<ShownCertificateView>,
    /// How many certificates of the chain that was shown can be downloaded.
    pub chain_certificates: usize,
    /// How many more of them there were.
    pub chain_left_out: u32,
    /// How many refusals were left out just before this one.
    pub left_out: u64,
}

/// A certificate that a refused client showed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownCertificateView {
    /// Its subject.
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// Its serial number.
    pub serial: String,
    /// SHA-256 of it.
    pub fingerprint: String,
    /// When it begins.
    pub not_before: Time,
    /// When it ends.
    pub not_after: Time,
}

impl Control {
    /// Refused clients of a realm, or those that belong to none, newest first and up to this moment. Blocks.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn refusals(
        &self,
        actor: &Actor,
        realm: Option<&RealmName>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<RefusalView>, ControlError> {
        let records = self.refusal_records(actor, realm, before, limit)?;
        Ok(views(records))
    }

    /// The chain that the client of one refusal showed, as PEM. Blocks.
    ///
    /// # Errors
    /// [`ControlError`], of a refusal that is not there or whose chain is not kept too.
    pub fn refusal_chain(
        &self,
        actor: &Actor,
        realm: Option<&RealmName>,
        sequence: u64,
    ) -> Result<String, ControlError> {
        let before = Some(sequence.saturating_add(1));
        let latest = self.refusal_records(actor, realm, before, 1)?.pop();
        let (_, record) = latest
            .filter(|(found, _)| *found == sequence)
            .ok_or(ControlError::NoRefusal { sequence })?;
        let chain = record.chain.ok_or(ControlError::NoChain { sequence })?;
        Ok(refusal_group::to_pem(&chain))
    }

    /// Records of a journal that the actor may read, as [`Control::refusals`].
    pub(crate) fn refusal_records(
        &self,
        actor: &Actor,
        realm: Option<&RealmName>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, RefusalRecord)>, ControlError> {
        match realm {
            Some(realm) => drop(self.seen_realm(actor, realm)?),
            None => authorise::read(actor, Matter::OwnRefusals)?,
        }
        self.records_of(realm, before, limit)
    }

    /// As [`Control::refusals`], whoever asks. Blocks.
    pub(crate) fn refusals_of(
        &self,
        realm: Option<&RealmName>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<RefusalView>, ControlError> {
        Ok(views(self.records_of(realm, before, limit)?))
    }

    fn records_of(
        &self,
        realm: Option<&RealmName>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, RefusalRecord)>, ControlError> {
        self.drain_refusals()?;
        let limit = limit.min(REFUSAL_LIMIT_MAX);
        Ok(self.store.refusals(realm, before, limit)?)
    }
}

fn views(records: Vec<(u64, RefusalRecord)>) -> Vec<RefusalView> {
    let records = records.into_iter();
    records
        .map(|(sequence, record)| view(sequence, record))
        .collect()
}

fn view(sequence: u64, record: RefusalRecord) -> RefusalView {
    RefusalView {
        sequence,
        at: Time(record.at),
        realm: record.realm.map(|realm| realm.to_string()),
        gateway: record.gateway.as_str(),
        environment: record.environment.map(|environment| environment.as_str()),
        address: record.address.to_string(),
        server_name: record.server_name,
        advice: Reason::parse(&record.reason).map(Reason::advice),
        reason: record.reason.into_owned(),
        sentence: record.sentence,
        certificate: record.certificate.map(shown),
        chain_certificates: record
            .chain
            .as_ref()
            .map_or(0, |chain| chain.certificates().len()),
        chain_left_out: record.chain.as_ref().map_or(0, PresentedChain::left_out),
        left_out: record.left_out,
    }
}

fn shown(certificate: ShownCertificate) -> ShownCertificateView {
    ShownCertificateView {
        subject: certificate.subject,
        issuer: certificate.issuer,
        serial: certificate.serial,
        fingerprint: certificate.fingerprint,
        not_before: Time(certificate.not_before),
        not_after: Time(certificate.not_after),
    }
}
