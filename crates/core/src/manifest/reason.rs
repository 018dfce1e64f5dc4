//! Whether a text gives a reason.
//!
//! A cell of `skip` leaves an org out, so a text that only says yes, no or nothing is refused: `FALSE` may be meant as
//! "don't skip it". Spreadsheets write such words in the language of their user.

use std::collections::HashSet;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;

use super::spreadsheet::{is_error_value, visible_start};

/// What spreadsheets and people write for yes, no and nothing: compared as [`folded`] gives them.
const WORDS: &[&str] = &[
    // English, and what programs write.
    "true, false, yes, no, on, off, none, null, nil, nan, na, nothing, empty, blank, void, undefined, ok",
    "okay, nope, yep, not applicable, not available, enabled, disabled, checked, unchecked",
    // German, Dutch.
    "wahr, falsch, ja, nein, ein, aus, an, nichts, keine, kein, keiner, leer, nv, ka, entfällt",
    "keine angabe, nicht verfügbar, waar, onwaar, nee, aan, uit, geen, leeg, niets, nb, nvt",
    // French, Spanish, Italian, Portuguese, Catalan, Galician, Basque, Romanian.
    "vrai, faux, oui, non, aucun, aucune, rien, vide, néant, nd, so, sans objet, non disponible",
    "verdadero, falso, verdadera, falsa, sí, si, ninguno, ninguna, nada, vacío, nulo, nula, vero, sì",
    "nessuno, nessuna, niente, vuoto, nullo, verdadeiro, verdadeira, sim, não, nao, nenhum, nenhuma",
    "vazio, cert, fals, veritat, vertader, cap, buit, baleiro, egia, egiazkoa, faltsua, bai, ez, adevărat",
    "adevarat, da, nu, niciunul, nimic, gol",
    // Danish, Norwegian, Swedish, Icelandic, Finnish.
    "sand, falsk, nej, ingen, intet, tom, it, sann, usann, nei, ingenting, sant, falskt, inget, inga",
    "tomt, satt, ósatt, já, enginn, tosi, epätosi, kyllä, ei, tyhjä, mikään, ei mitään, puuttuu",
    // Polish, Czech, Slovak, Hungarian.
    "prawda, fałsz, falsz, tak, nie, brak, żaden, pusty, puste, nic, pravda, nepravda, ano, ne, žádný",
    "žádné, prázdné, áno, žiadny, prázdny, igaz, hamis, igen, nem, nincs, semmi, üres, hiányzik",
    // Croatian, Slovene, Serbian, Bulgarian, Estonian, Latvian, Lithuanian.
    "istina, laž, istinito, neistinito, nema, ništa, prazno, resnično, neresnično, res, nič, tačno",
    "netačno, тачно, нетачно, истинито, неистинито, не, да, няма, нищо, празно, вярно, невярно, лъжа",
    "tõene, väär, jah, tühi, puudub, patiess, patiesa, aplams, jā, nē, nav, tukšs, tiesa, melas, netiesa",
    "taip, nėra, tuščias",
    // Russian, Ukrainian, Belarusian.
    "истина, ложь, нет, нету, пусто, ничего, вкл, выкл, нд, неприменимо, істина, хибність, хиба, так, ні",
    "немає, нічого, порожньо, ісціна, хлусня, няпраўда",
    // Turkish, Greek, Albanian, Maltese, Irish, Welsh.
    "doğru, dogru, yanlış, yanliş, yanlis, evet, hayır, hayir, yok, boş, hiçbiri, hiç, açık, acik, kapalı",
    "kapali, αληθές, αληθής, ψευδές, ψευδής, ναι, όχι, οχι, κανένα, κενό, δυ, vërtetë, po, jo, iva, le",
    "sea, ní hea",
    // Arabic, Hebrew, Persian, Hindi, Thai.
    "صواب, صحيح, خطأ, نعم, لا, لا شيء, فارغ, אמת, שקר, כן, לא, אין, ריק, درست, نادرست, بله, خیر, هیچ, सत्य",
    "असत्य, सही, गलत, हाँ, हां, नहीं, कोई नहीं, จริง, เท็จ, ใช่, ไม่ใช่, ไม่, ไม่มี, ว่าง",
    // Vietnamese, Indonesian, Malay.
    "đúng, sai, có, không, trống, benar, salah, ya, tidak, kosong, tiada",
    // Chinese, Japanese, Korean.
    "真, 假, 是, 否, 有, 无, 無, 空, 对, 對, 错, 錯, 没有, 沒有, 不是, 不适用, 不適用, 空白, 偽, はい",
    "いいえ, いえ, なし, 無し, ない, 該当なし, オン, オフ, 真値, 참, 거짓, 예, 네, 아니요, 아니오, 없음",
    "해당없음, 빈칸",
];

static NO_REASONS: LazyLock<HashSet<String>> =
    LazyLock::new(|| WORDS.iter().flat_map(|line| line.split(", ")).map(folded).collect());

/// Whether it says more than yes, no or nothing.
pub(crate) fn is_reason(text: &str) -> bool {
    let trimmed = super::cell::trim(text);
    if visible_start(trimmed).starts_with(['<', '=', '＜', '＝']) || is_error_value(trimmed) {
        return false;
    }
    let word = folded(trimmed);
    let mut letters = word.chars().filter(|c| c.is_alphabetic());
    let Some(first) = letters.next() else { return false };
    // One letter of an alphabet is a mark, such as x; one of other scripts is a word.
    let is_mark = letters.next().is_none() && (first.is_lowercase() || first.is_uppercase());
    !is_mark && !NO_REASONS.contains(&word)
}

/// Letters and digits alone, without case and accents.
fn folded(text: &str) -> String {
    let small = text.chars().flat_map(char::to_lowercase).nfkd().filter(|c| c.is_alphanumeric());
    small.flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_only_yes_no_or_nothing_is_no_reason() {
        for text in [
            "TRUE",
            "False",
            "yes",
            "no",
            "0",
            "1",
            "#N/A",
            "#NV",
            "Fehler:502",
            "=IF(A1,B1)",
            "FALSCH",
            "WAHR",
            "FAUX",
            "FALSO",
            "ЛОЖЬ",
            "ложь",
            "否",
            "いいえ",
            "HAMIS",
            "YANLIŞ",
            "FAŁSZ",
            "n/a",
            "N / A",
            "n.a.",
            "-",
            "--",
            "–",
            "—",
            "…",
            "?",
            "none",
            "None",
            "null",
            "<null>",
            "<empty>",
            "<keep>",
            "<secret:A>",
            "<anything>",
            "off",
            "x",
            "X",
            "(none)",
            "\"no\"",
            "no!",
            "Nein.",
            "\u{a0}no\u{a0}",
            "ＦＡＬＳＥ",
            "Nee",
            "0.0",
            "2026-01-05",
            "не",
            "ΨΕΥΔΗΣ",
            "ΨΕΥΔΈΣ",
            "거짓",
            "خطأ",
            "SI\u{301}",
            "'no",
            "ไม่ใช่",
        ] {
            assert!(!is_reason(text), "{text}");
        }
    }

    #[test]
    fn a_word_more_is_a_reason() {
        for text in [
            "closed in May",
            "no cameras yet",
            "off until May",
            "false alarm reported",
            "n/a: closed",
            "pilot",
            "#1 door is broken",
            "- closed",
            "Umbau",
            "закрыто",
            "休業",
            "休",
            "ticket 4711",
            "CHG0042",
        ] {
            assert!(is_reason(text), "{text}");
        }
    }
}
