//! JSON Web Tokens (RFC 7519): header and claims decode, the signature has its algorithm's length.

use super::{Candidate, Judgement, Validator};
use crate::codec::base64;
use crate::model::Micros;
use crate::model::occurrence::Verdict;

pub struct Jwt;

/// Claims that name the token without giving it away.
const PUBLIC_CLAIMS: [&str; 5] = ["iss", "sub", "jti", "client_id", "aud"];

impl Validator for Jwt {
    fn name(&self) -> &'static str {
        "jwt"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        let parts: Vec<&str> = candidate.text().split('.').collect();
        let Some(header) = parts.first().and_then(|part| decode(part)) else {
            return Judgement::Refuted;
        };
        let text = |value: &serde_json::Value, name: &str| value.get(name).and_then(|v| v.as_str()).map(str::to_owned);
        let Some(alg) = text(&header, "alg") else {
            return Judgement::Refuted;
        };
        let mut verdict = Verdict { valid: Some(true), ..Verdict::default() };
        verdict.facts.push(("alg".to_owned(), alg.clone()));
        if let Some(kid) = text(&header, "kid") {
            verdict.public_ids.push(("kid".to_owned(), kid));
        }
        if parts.len() == 5 && header.get("enc").is_some() {
            return Judgement::Proven(verdict);
        }
        let Some(claims) = parts.get(1).and_then(|part| decode(part)) else {
            verdict.valid = Some(false);
            verdict.facts.push(("reason".to_owned(), "the claims are cut or no JSON".to_owned()));
            return Judgement::Doubtful(verdict);
        };
        for name in PUBLIC_CLAIMS {
            if let Some(value) = text(&claims, name) {
                verdict.public_ids.push((name.to_owned(), value));
            }
        }
        let exp = claims.get("exp").and_then(serde_json::Value::as_f64);
        if let Some(exp) = exp.and_then(|exp| Micros::from_epoch(exp as i64)) {
            verdict.facts.push(("exp".to_owned(), exp.to_string()));
        }
        let signature = parts.get(2).map_or(0, |part| part.len());
        if expected_length(&alg).is_some_and(|expected| expected != signature) {
            verdict.facts.push(("signature".to_owned(), format!("{signature} characters: cut, or not of {alg}")));
            verdict.valid = Some(false);
        }
        Judgement::Proven(verdict)
    }
}

fn decode(part: &str) -> Option<serde_json::Value> {
    let bytes = base64::decode(part.as_bytes())?;
    serde_json::from_slice(&bytes).ok().filter(serde_json::Value::is_object)
}

/// Base64url characters of a signature, where the algorithm fixes them.
fn expected_length(alg: &str) -> Option<usize> {
    match alg {
        "none" => Some(0),
        "HS256" => Some(43),
        "HS384" => Some(64),
        "HS512" | "ES256" | "EdDSA" => Some(86),
        "ES384" => Some(128),
        "ES512" => Some(176),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge_text;
    use super::*;
    use ::base64::Engine as _;
    use ::base64::engine::general_purpose::URL_SAFE_NO_PAD;

    fn token(header: &str, claims: &str, signature: usize) -> String {
        format!("{}.{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims), "s".repeat(signature))
    }

    #[test]
    fn claims_are_read_and_public() {
        let text = token(r#"{"alg":"HS256","kid":"k1"}"#, r#"{"iss":"me","sub":"u1","exp":1709979072}"#, 43);
        let Judgement::Proven(verdict) = judge_text(&Jwt, &text) else { panic!("a JWT") };
        assert_eq!(verdict.valid, Some(true));
        assert!(verdict.public_ids.contains(&("sub".to_owned(), "u1".to_owned())));
        assert!(verdict.facts.contains(&("exp".to_owned(), "2024-03-09T10:11:12.000000Z".to_owned())));
    }

    #[test]
    fn cut_and_false_ones() {
        let text = token(r#"{"alg":"HS256"}"#, "{}", 10);
        assert!(matches!(judge_text(&Jwt, &text), Judgement::Proven(v) if v.valid == Some(false)));
        assert!(matches!(judge_text(&Jwt, &token(r#"{"alg":"HS256"}"#, "[", 43)), Judgement::Doubtful(_)));
        assert_eq!(judge_text(&Jwt, &token(r#"{"typ":"x"}"#, "{}", 43)), Judgement::Refuted);
        assert_eq!(judge_text(&Jwt, "eyJ.abc.def"), Judgement::Refuted);
    }
}
