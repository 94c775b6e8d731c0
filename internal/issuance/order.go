package issuance

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Order is what officers approve, and all of it: the profile and its version, the subject, the names, the public key
// and the rule of validity. Serial number and time come later, in [Prepare].
type Order struct {
	Profile   string
	Version   int
	Subject   Name
	DNSNames  []string // lower case, A-labels, sorted
	Emails    []string // sorted
	PublicKey []byte   // SubjectPublicKeyInfo, DER
	Validity  ValidityRule
}

// ValidityRule says how long a certificate may last: at most Term from its beginning, and never past Until.
type ValidityRule struct {
	Term  Term
	Until time.Time // zero for no end of its own
}

// Digest identifies exactly what was approved: SHA-256 of [Order.Encode], in hexadecimal.
type Digest string

func digestOf(encoded []byte) Digest {
	sum := sha256.Sum256(encoded)
	return Digest(hex.EncodeToString(sum[:]))
}
