package ca

import (
	"encoding/hex"
	"math/big"
	"strings"
	"time"

	"chancela/internal/actor"
	"chancela/internal/issuance"
)

// Serial is a certificate's serial number in lower-case hexadecimal, an even number of digits.
type Serial string

// SerialOf writes a number as a Serial.
func SerialOf(n *big.Int) Serial { return Serial(hex.EncodeToString(n.Bytes())) }

// serialText writes a number's bytes as a Serial's text.
func serialText(number []byte) string { return hex.EncodeToString(number) }

// ParseSerial reads a serial number as people copy it: hexadecimal, with colons or spaces or none, in either case.
func ParseSerial(typed string) (Serial, bool) {
	if len(typed) > 128 {
		return "", false
	}
	text := strings.ToLower(strings.NewReplacer(":", "", " ", "", "\u00a0", "").Replace(typed))
	text = strings.TrimLeft(strings.TrimPrefix(text, "0x"), "0")
	if len(text)%2 == 1 {
		text = "0" + text
	}
	bytes, err := hex.DecodeString(text)
	if err != nil || len(bytes) == 0 || len(bytes) > 20 { // RFC 5280 §4.1.2.2: at most 20 octets
		return "", false
	}
	return Serial(text), true
}

// Number is the serial number as a number.
func (s Serial) Number() *big.Int {
	n, _ := new(big.Int).SetString(string(s), 16)
	return n
}

// String writes it as people compare it: pairs of digits with colons.
func (s Serial) String() string {
	n := s.Number()
	if n == nil {
		return ""
	}
	return issuance.SerialText(n)
}

// State is where a certificate stands in the record. That it expired is read from its dates.
type State string

// The states. A lost one was intended, may have been signed, and was never recorded: it is revoked from the start.
const (
	Intended  State = "intended"
	Issued    State = "issued"
	Suspended State = "suspended" // not to be relied on for a while: on hold, in the words of RFC 5280 §5.3.1
	Revoked   State = "revoked"
	Lost      State = "lost"
)

// Request asks for a certificate. The order names exactly what was approved.
type Request struct {
	// ID names the order for good: whoever asks twice with one ID gets one certificate.
	ID     string
	Portal string // "" for the hierarchy itself
	Case   string // "" for what a ceremony approved
	Order  []byte // as [issuance.Order.Encode] wrote it when it was approved; nil under a mandate
	// Mandate is what was approved instead of an order, as [issuance.Mandate.Encode] wrote it, and Proof the key request
	// (PKCS#10) whose key gets the next certificate under it. The order is derived from the two in this room.
	Mandate []byte
	Proof   []byte
	// Token is the id of the token that a body's program showed, for the record; "" where none was.
	Token string
	// Quorum may ask for approvals by more different people than the room asks for by itself ([Config.Approvals]); never
	// for fewer.
	Quorum int
	// Holder may revoke it; "" for our own.
	Holder actor.PersonID
	// Identity asks that an officer has recorded how the subject's identity was proven ([CA.RecordIdentity]).
	Identity bool
}

// Certificate is one that was issued, with how it came to be.
type Certificate struct {
	Serial    Serial
	Issuer    string // name of the authority
	List      string // name of the list that it says, for good
	Order     string // id of the request
	Portal    string
	Case      string
	Holder    actor.PersonID
	Profile   string
	Digest    string   // of the order: what was approved
	Mandate   string   // digest of the mandate by which it was; "" where the order itself was approved
	Key       string   // fingerprint of the public key
	Approvals []string // ids in package decision
	Report    issuance.Report
	State     State
	IssuedAt  time.Time
	NotBefore time.Time
	NotAfter  time.Time
	DER       []byte
	RevokedAt time.Time // of a suspended one, since when
	Reason    issuance.Reason
	RevokedBy actor.PersonID // "" for the program
	Words     string         // an officer's grounds
	DueAt     time.Time      // when a scheduled revocation takes effect; zero for none
	DueReason issuance.Reason
	DueWords  string
	DueBy     actor.PersonID // who set it; "" for the program
	HeldUntil time.Time      // when the suspension under way ends by itself; zero for none
}

// IsRevoked says whether it is not to be relied on any more, for good.
func (c Certificate) IsRevoked() bool { return c.State == Revoked || c.State == Lost }

// IsGood says whether it may be relied on at a time.
func (c Certificate) IsGood(at time.Time) bool {
	return c.State == Issued && !at.Before(c.NotBefore) && !at.After(c.NotAfter)
}

// Identity is how the subject of an order was shown to be who they are.
type Identity struct {
	Portal string
	Case   string
	Digest string // of the order
	How    string // such as in-person
	Words  string // document seen and where, in the officer's words
	By     actor.PersonID
	At     time.Time
}

// Revocation asks that a certificate be relied on no more.
type Revocation struct {
	Serial Serial
	Reason issuance.Reason
	Words  string    // an officer's grounds
	At     time.Time // when it takes effect; zero or past is now
	Right  Right     // of whoever is neither holder nor officer
}

// SealRequest asks for the seal of a portal's body under bytes that were prepared for it.
type SealRequest struct {
	Portal  string
	Subject string // digest of what the approvals approved
	Quorum  int    // as in [Request]; the room's own is [Config.SealApprovals]
	Digest  []byte // what is signed, prepared with the certificate of [CA.SealOf]
}

// Signature is a seal's signature with the certificate that speaks for it.
type Signature struct {
	Value       []byte // DER of an ECDSA signature, or PKCS #1 v1.5
	Certificate []byte
	Chain       [][]byte // issuer first, root last
}
