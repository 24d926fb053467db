//! Guests, over two lives of the service, and refresh tokens.

use schemas::account::{AccountCommand, guest_proof, refresh_proof};
use schemas::sealed::Sealed;
use schemas::sealed_to::BoxSecret;
use schemas::{AccountId, CharacterId, Digest, LoginId};

use crate::stage::{Stage, asker};

const ANN: AccountId = AccountId(7);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_registers_comes_back_and_is_known_to_a_second_life_of_the_service() {
    let stage = Stage::new().await;
    let life = stage.start().await;
    let reply = BoxSecret::generate();
    let register = AccountCommand::RegisterGuest {
        account: ANN,
        character: CharacterId(70),
        name: Sealed::default(),
        asker: asker(&reply, LoginId(1)),
    };
    let ask = async |command: AccountCommand| stage.ask_tokens(ANN, &reply, &command).await;
    let first = ask(register.clone()).await.unwrap();
    let second = ask(register).await.unwrap();
    assert!(second.guest_token == first.guest_token && first.guest_token.is_some());
    assert!(second.refresh_token == first.refresh_token);
    life.end().await;

    let life = stage.start().await;
    let (account, proof) = guest_proof(&first.guest_token.unwrap()).unwrap();
    let login = |proof, session| AccountCommand::LoginGuest {
        account,
        proof,
        asker: asker(&reply, LoginId(session)),
    };
    let back = ask(login(proof, 2)).await.unwrap();
    assert_eq!(back.characters, [CharacterId(70)]);
    let refused = ask(login(Digest::of(b"a guess"), 3)).await;
    assert_eq!(refused.unwrap_err().code, "bad_login");

    let refresh = |token: &str| {
        let (account, session, generation, proof) = refresh_proof(token).unwrap();
        AccountCommand::Refresh {
            account,
            proof,
            generation,
            asker: asker(&reply, session),
        }
    };
    let next = ask(refresh(&back.refresh_token)).await.unwrap();
    let again = ask(refresh(&back.refresh_token)).await.unwrap();
    assert!(
        next.refresh_token == again.refresh_token,
        "within the grace"
    );
    let after = ask(refresh(&next.refresh_token)).await.unwrap();
    assert!(after.refresh_token != next.refresh_token);
    let reused = ask(refresh(&back.refresh_token)).await;
    assert_eq!(reused.unwrap_err().code, "session_reused");
    let over = ask(refresh(&after.refresh_token)).await;
    assert_eq!(over.unwrap_err().code, "session_unknown");
    life.end().await;
}
