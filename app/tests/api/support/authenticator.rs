//! An authenticator app, as people have it on their phones.

use chrono::TimeDelta;
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::Instant;
use serde_json::{Value, json};
use sha1::Sha1;

use super::{Api, Client};

pub struct Authenticator {
    secret: Vec<u8>,
}

/// An app that counts, and the recovery codes beside it.
pub struct Enrolled {
    pub app: Authenticator,
    pub recovery_codes: Vec<String>,
}

impl Authenticator {
    /// Takes the secret that `POST /mfa/totp` has answered.
    pub fn of(begun: &Value) -> Self {
        let text = begun["secret"].as_str().expect("a secret");
        let (mut secret, mut buffer, mut bits) = (Vec::new(), 0_u32, 0);
        for letter in text.bytes() {
            let place = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|each| *each == letter).expect("base32");
            (buffer, bits) = (buffer << 5 | u32::try_from(place).expect("five bits"), bits + 5);
            if bits >= 8 {
                bits -= 8;
                secret.push(u8::try_from(buffer >> bits & 0xff).expect("a byte"));
            }
        }
        Self { secret }
    }

    /// The secret as bytes are written in a dump.
    pub fn hex(&self) -> String {
        kernel::hex(&self.secret)
    }

    pub fn code_at(&self, now: Instant) -> String {
        let mut mac: Hmac<Sha1> = Hmac::new_from_slice(&self.secret).expect("a key");
        mac.update(&(now.micros() / 30_000_000).to_be_bytes());
        let hash = mac.finalize().into_bytes();
        let offset = usize::from(hash[19] & 0x0f);
        let number = u32::from_be_bytes(hash[offset..offset + 4].try_into().expect("four bytes")) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }

    /// A code that was not used before: of the next half minute, which the clock is moved to.
    pub fn next_code(&self, api: &Api) -> String {
        api.advance(TimeDelta::seconds(30));
        self.code_at(api.now())
    }

    /// Six digits that are no code of the time around now.
    pub fn wrong_code(&self, api: &Api) -> String {
        let around = [-30, 0, 30].map(|seconds| self.code_at(api.now().plus(TimeDelta::seconds(seconds))));
        (0..4).map(|number| format!("{number:06}")).find(|code| !around.contains(code)).expect("a wrong code")
    }
}

impl Enrolled {
    /// Enrols an app for somebody whose log-in is fresh.
    pub async fn of(client: &Client) -> Self {
        let app = Authenticator::of(&client.post("/v1/auth/mfa/totp", Value::Null).await.ok(200));
        let code = app.next_code(client.api());
        let confirmed = client.post("/v1/auth/mfa/totp/confirm", json!({ "code": code })).await.ok(200);
        let recovery_codes = serde_json::from_value(confirmed["recovery_codes"].clone()).expect("codes");
        Self { app, recovery_codes }
    }
}
