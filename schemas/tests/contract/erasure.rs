//! What is said when a person is erased, and where their key lies.

use schemas::account::{Account, AccountCommand, AccountEvent};
use schemas::control::Order;
use schemas::credential::{
    Credential, CredentialCommand, CredentialEvent, CredentialReply, Method,
};
use schemas::keyed::{KeyedMessage, Reply};
use schemas::lobby::{Character, LobbyCommand, LobbyEvent, Ordered};
use schemas::person::PersonKeyEntry;
use schemas::{Digest, SessionFence};

use super::golden::{ACCOUNT, ANN, NOW, entry, golden, sealed};

const SEAL: Digest = Digest([7; 16]);

fn order() -> Order {
    Order {
        by: "kim".into(),
        reason: "request 81".into(),
    }
}

fn asked<C>(body: C) -> KeyedMessage<C> {
    KeyedMessage::Command {
        request: 1,
        reply: Some("reply.e.1".into()),
        body,
    }
}

#[test]
fn what_erases_a_person_stays_readable() {
    let account = AccountCommand::Erase {
        account: ACCOUNT,
        order: order(),
        seal: SEAL,
    };
    golden("account-message.1.erase", &asked(account));
    let credential = CredentialCommand::Erase {
        account: ACCOUNT,
        order: order(),
        seal: SEAL,
    };
    golden("credential-message.1.erase", &asked(credential));
    let ordered = Ordered {
        order: order(),
        seal: SEAL,
    };
    let character = LobbyCommand::Erase {
        character: ANN,
        account: ACCOUNT,
        ordered: Some(ordered),
    };
    golden("lobby-message.1.erase", &asked(character));
    let done = Reply {
        request: 1,
        result: Ok(CredentialReply::Done),
    };
    golden("reply-credential.1.erased", &done);
}

#[test]
fn what_is_left_of_a_person_stays_readable() {
    let erased = AccountEvent::Erased {
        account: ACCOUNT,
        order: order(),
        at: NOW,
    };
    let left = Account {
        characters: vec![ANN],
        credentials: vec![(Method::Password, Digest([3; 16]))],
        erased: Some(NOW),
        ..Account::default()
    };
    golden("account-entry.1.erased", &entry(vec![erased], left));
    let erased = CredentialEvent::Erased { at: NOW };
    let entry_ = entry(vec![erased], Credential::default());
    golden("credential-entry.1.erased", &entry_);
    let erased = LobbyEvent::Erased {
        account: Some(ACCOUNT),
        order: Some(order()),
    };
    let left = Character {
        account: Some(ACCOUNT),
        session: SessionFence(3),
        erased: true,
        ..Character::default()
    };
    golden("lobby-entry.1.erased", &entry(vec![erased], left));
    golden("person-key.1.kept", &PersonKeyEntry::Kept { key: sealed() });
    golden("person-key.1.erased", &PersonKeyEntry::Erased { at: NOW });
}
