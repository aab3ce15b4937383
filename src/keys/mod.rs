//! The room `keys`.
#![allow(missing_docs, clippy::all, reason = "temporary")]
use crate::vocab::*;
use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;
#[derive(Clone)]
pub struct Mac(Hmac<Sha256>);
impl std::fmt::Debug for Mac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mac")
    }
}
impl Mac {
    pub fn tag(&self, m: &[u8]) -> [u8; 32] {
        let mut h = self.0.clone();
        h.update(m);
        h.finalize().into_bytes().into()
    }
    pub fn key16(&self, m: &[u8]) -> [u8; 16] {
        let t = self.tag(m);
        let mut k = [0; 16];
        k.copy_from_slice(&t[..16]);
        k
    }
}
pub struct MasterKey {
    prk: [u8; 32],
    id: KeyId,
}
fn mac(k: &[u8], m: &[u8]) -> [u8; 32] {
    let mut h = Hmac::<Sha256>::new_from_slice(k).unwrap();
    h.update(m);
    h.finalize().into_bytes().into()
}
impl MasterKey {
    pub fn id(&self) -> &KeyId {
        &self.id
    }
    pub fn new(id: KeyId, secret: &[u8]) -> Self {
        Self { prk: mac(b"leo-extract/v1", secret), id }
    }
    fn derive(&self, info: &str) -> Mac {
        let mut i = info.as_bytes().to_vec();
        i.push(1);
        Mac(Hmac::new_from_slice(&mac(&self.prk, &i)).unwrap())
    }
    pub fn link(&self, kind: &Kind) -> Mac {
        self.derive(&format!("link|{kind}"))
    }
    pub fn project(&self, p: &ProjectId, e: u32, d: &str) -> Mac {
        self.derive(&format!("project|{p}|{e}|{d}"))
    }
}
pub fn pseudonym_text(b: &[u8; 10]) -> [u8; 16] {
    const A: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut n: u128 = 0;
    for x in b {
        n = (n << 8) | u128::from(*x);
    }
    let mut out = [0; 16];
    for (i, o) in out.iter_mut().enumerate() {
        *o = A[((n >> (75 - 5 * i)) & 31) as usize];
    }
    out
}
