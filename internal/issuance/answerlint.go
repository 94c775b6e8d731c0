package issuance

import (
	"encoding/asn1"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// maxAnswerLife bounds how long an answer may be kept by others: nobody may hear good for longer after a revocation
// than the policy admits (attack line: stale good; EN 319 411-1, CSS-6.3.9: at least daily).
const maxAnswerLife = 24 * time.Hour

// readAnswer is an answer as the lints read it, from its bytes alone.
type readAnswer struct {
	keyHash    []byte
	producedAt time.Time
	singles    []readSingle
	nonce      []byte
	wellFormed bool
}

type readSingle struct {
	id                     CertID
	standing               Standing
	revokedAt              time.Time
	reason                 int // -1 for none
	thisUpdate, nextUpdate time.Time
	cutoff                 time.Time // zero for none
}

type answerLint struct {
	name  string
	cites string
	check func(u Unsigned, a readAnswer) string
}

func answerLints() []answerLint {
	return []answerLint{
		{"ours_ocsp_form", "RFC 6960 §4.2.1", lintAnswerForm},
		{"ours_ocsp_responder", "RFC 6960 §4.2.2.2, §4.2.2.2.1", lintAnswerResponder},
		{"ours_ocsp_times", "RFC 6960 §4.2.2.1; RFC 5019 §4", lintAnswerTimes},
		{"ours_ocsp_revoked", "RFC 6960 §4.2.1; RFC 5280 §5.3.1", lintAnswerRevoked},
		{"ours_ocsp_issuer", "RFC 6960 §4.1.1, §4.2.2.2", lintAnswerIssuer},
		{"ours_ocsp_archive_cutoff", "RFC 6960 §4.4.4; EN 319 411-2 §6.3.10: the issuer's beginning", lintAnswerCutoff},
		{"ours_ocsp_nonce", "RFC 9654 §2.1", lintAnswerNonce},
	}
}

// examineAnswer reads the to-be-signed bytes and lints them. No throw-away signature is needed: nothing of what is read
// lies outside these bytes.
func examineAnswer(u Unsigned) (Report, error) {
	a := parseAnswer(u.tbs)
	report := Report{}
	for _, l := range answerLints() {
		report.note(l.name, l.cites, l.check(u, a))
	}
	return report, nil
}

// parseAnswer reads a ResponseData strictly; what is not of our form leaves wellFormed false.
func parseAnswer(tbs []byte) (a readAnswer) {
	in := cryptobyte.String(tbs)
	var data, id, hash, list, extensions cryptobyte.String
	var more bool
	if !in.ReadASN1(&data, cbasn1.SEQUENCE) || !in.Empty() ||
		!data.ReadASN1(&id, tag(2)) || !id.ReadASN1(&hash, cbasn1.OCTET_STRING) || !id.Empty() ||
		!data.ReadASN1GeneralizedTime(&a.producedAt) || !data.ReadASN1(&list, cbasn1.SEQUENCE) ||
		!data.ReadOptionalASN1(&extensions, &more, tag(1)) || !data.Empty() {
		return a
	}
	a.keyHash = hash
	for !list.Empty() {
		s, ok := parseSingle(&list)
		if !ok {
			return a
		}
		a.singles = append(a.singles, s)
	}
	a.wellFormed = true
	if more {
		a.wellFormed = eachExtension(extensions, func(id asn1.ObjectIdentifier, critical bool, value cryptobyte.String) bool {
			return id.Equal(oidNonce) && !critical && a.nonce == nil && value.ReadASN1Bytes(&a.nonce, cbasn1.OCTET_STRING) && value.Empty()
		})
	}
	return a
}

func parseSingle(list *cryptobyte.String) (s readSingle, ok bool) {
	var one, status, next, extensions cryptobyte.String
	var choice cbasn1.Tag
	var bounded, more bool
	s.reason = -1
	if !list.ReadASN1(&one, cbasn1.SEQUENCE) {
		return s, false
	}
	if s.id, ok = readCertID(&one); !ok {
		return s, false
	}
	if !one.ReadAnyASN1(&status, &choice) || !one.ReadASN1GeneralizedTime(&s.thisUpdate) ||
		!one.ReadOptionalASN1(&next, &bounded, tag(0)) || !one.ReadOptionalASN1(&extensions, &more, tag(1)) || !one.Empty() {
		return s, false
	}
	if bounded && (!next.ReadASN1GeneralizedTime(&s.nextUpdate) || !next.Empty()) {
		return s, false
	}
	if more && !eachExtension(extensions, func(id asn1.ObjectIdentifier, critical bool, value cryptobyte.String) bool {
		return id.Equal(oidCutoff) && !critical && s.cutoff.IsZero() && value.ReadASN1GeneralizedTime(&s.cutoff) && value.Empty()
	}) {
		return s, false
	}
	switch choice {
	case cbasn1.Tag(0).ContextSpecific():
		s.standing = Good
	case cbasn1.Tag(2).ContextSpecific():
		s.standing = Unknown
	case tag(1):
		s.standing = Revoked
		var reason cryptobyte.String
		var given bool
		if !status.ReadASN1GeneralizedTime(&s.revokedAt) || !status.ReadOptionalASN1(&reason, &given, tag(0)) {
			return s, false
		}
		if given && (!reason.ReadASN1Enum(&s.reason) || !reason.Empty()) {
			return s, false
		}
	default:
		return s, false
	}
	return s, status.Empty()
}

func lintAnswerForm(_ Unsigned, a readAnswer) string {
	if !a.wellFormed || len(a.singles) == 0 {
		return "the response data is not of the form we make"
	}
	return ""
}

func lintAnswerResponder(u Unsigned, a readAnswer) string {
	c := u.responder.certificate
	switch {
	case !u.responder.isNamedBy(a.keyHash):
		return "the responder is not named by its key"
	case a.producedAt.Before(c.NotBefore) || a.producedAt.After(c.NotAfter):
		return "the responder's certificate is not valid at producedAt"
	case len(u.chain) != 1:
		return "the responder's certificate is not with the answer"
	}
	return ""
}

func lintAnswerTimes(_ Unsigned, a readAnswer) string {
	for _, s := range a.singles {
		switch {
		case s.thisUpdate.After(a.producedAt):
			return "thisUpdate lies after producedAt"
		case s.nextUpdate.IsZero():
			return "nextUpdate is absent"
		case !s.nextUpdate.After(a.producedAt):
			return "nextUpdate does not lie after producedAt"
		case s.nextUpdate.Sub(s.thisUpdate) > maxAnswerLife:
			return fmt.Sprintf("the answer may be kept for %s", s.nextUpdate.Sub(s.thisUpdate))
		}
	}
	return ""
}

func lintAnswerRevoked(_ Unsigned, a readAnswer) string {
	for _, s := range a.singles {
		if s.standing != Revoked {
			continue
		}
		if s.revokedAt.After(a.producedAt) {
			return "revoked after the answer was made"
		}
		if s.reason == int(Unspecified) || s.reason > 0 && !Reason(s.reason).Valid() {
			return fmt.Sprintf("reason %d", s.reason)
		}
	}
	return ""
}

func lintAnswerIssuer(u Unsigned, a readAnswer) string {
	for _, s := range a.singles {
		if s.standing != Unknown && !u.issuer.Is(s.id) {
			return "an answer about another issuer's certificate"
		}
	}
	return ""
}

func lintAnswerCutoff(u Unsigned, a readAnswer) string {
	for _, s := range a.singles {
		if !s.cutoff.IsZero() && !s.cutoff.Equal(u.issuer.Begins()) {
			return "archiveCutoff is not the issuer's beginning"
		}
	}
	return ""
}

func lintAnswerNonce(_ Unsigned, a readAnswer) string {
	if len(a.nonce) > maxNonce {
		return "the nonce is longer than 32 octets"
	}
	return ""
}
