//! Archives made byte by byte, so that they can lie.

use std::io::Write as _;

/// A member of a zip file; what is `None` is told truly.
#[derive(Clone)]
pub struct Zipped {
    pub name: Vec<u8>,
    pub data: Vec<u8>,
    /// 0 stored, 8 deflated, 93 zstd; any other number is written and stored.
    pub method: u16,
    pub flags: u16,
    pub mode: u32,
    pub crc: Option<u32>,
    pub size: Option<u32>,
    /// Lies at the place of the member with that number instead of one of its own.
    pub shares: Option<usize>,
}

pub fn zipped(name: impl AsRef<[u8]>, data: impl AsRef<[u8]>) -> Zipped {
    Zipped {
        name: name.as_ref().to_vec(),
        data: data.as_ref().to_vec(),
        method: 8,
        flags: 0,
        mode: 0o100_644,
        crc: None,
        size: None,
        shares: None,
    }
}

fn packed(member: &Zipped) -> Vec<u8> {
    match member.method {
        8 => {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&member.data).unwrap();
            encoder.finish().unwrap()
        }
        93 => zstd::encode_all(&member.data[..], 1).unwrap(),
        _ => member.data.clone(),
    }
}

pub fn zip(members: &[Zipped]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut places = Vec::new();
    let mut directory = Vec::new();
    for member in members {
        let stored = packed(member);
        let mut crc = flate2::Crc::new();
        crc.update(&member.data);
        let common = |out: &mut Vec<u8>| {
            out.extend_from_slice(&20u16.to_le_bytes());
            out.extend_from_slice(&member.flags.to_le_bytes());
            out.extend_from_slice(&member.method.to_le_bytes());
            out.extend_from_slice(&[0; 4]);
            out.extend_from_slice(&member.crc.unwrap_or(crc.sum()).to_le_bytes());
            out.extend_from_slice(&(stored.len() as u32).to_le_bytes());
            out.extend_from_slice(&member.size.unwrap_or(member.data.len() as u32).to_le_bytes());
            out.extend_from_slice(&(member.name.len() as u16).to_le_bytes());
            out.extend_from_slice(&[0; 2]);
        };
        let at = member.shares.map_or(out.len() as u32, |other| places[other]);
        places.push(at);
        if member.shares.is_none() {
            out.extend_from_slice(b"PK\x03\x04");
            common(&mut out);
            out.extend_from_slice(&member.name);
            out.extend_from_slice(&stored);
        }
        directory.extend_from_slice(b"PK\x01\x02\x14\x03");
        common(&mut directory);
        directory.extend_from_slice(&[0; 6]);
        directory.extend_from_slice(&(member.mode << 16).to_le_bytes());
        directory.extend_from_slice(&at.to_le_bytes());
        directory.extend_from_slice(&member.name);
    }
    let start = out.len() as u32;
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    let count = (members.len() as u16).to_le_bytes();
    out.extend_from_slice(&[count, count].concat());
    out.extend_from_slice(&(directory.len() as u32).to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&[0; 2]);
    out
}

/// A member of a tar file: type, name, bytes.
pub type Tarred = (u8, Vec<u8>, Vec<u8>);

pub fn tarred(name: impl AsRef<[u8]>, data: impl AsRef<[u8]>) -> Tarred {
    (b'0', name.as_ref().to_vec(), data.as_ref().to_vec())
}

/// One header and its bytes, filled up to a block.
pub fn tar_member((kind, name, data): &Tarred) -> Vec<u8> {
    let mut out = Vec::new();
    if name.len() > 100 {
        out.extend(tar_member(&(b'L', b"././@LongLink".to_vec(), [name, &b"\0"[..]].concat())));
    }
    let mut header = tar::Header::new_gnu();
    let short = &name[..name.len().min(100)];
    header.as_old_mut().name[..short.len()].copy_from_slice(short);
    header.set_size(data.len() as u64);
    header.set_entry_type(tar::EntryType::new(*kind));
    header.set_mode(0o644);
    header.set_cksum();
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(data);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

pub fn tar(members: &[Tarred]) -> Vec<u8> {
    let mut out: Vec<u8> = members.iter().flat_map(tar_member).collect();
    out.resize(out.len() + 1024, 0);
    out
}
