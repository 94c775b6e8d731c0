// Package pades seals the PDF documents that this program itself has made: PAdES baseline B-B, as an incremental
// update that leaves every byte of the document in place.
//
// It must never seal a file that came from outside: what is sealed was drawn by us a moment ago, and whatever is
// not plainly such a file (signed, encrypted, revised, compressed tables) is refused with a [Refusal]. It asks the
// key exactly one signature a document, looks at no clock but the one it is given, and releases nothing that does
// not verify under the certificate.
//
// Start reading at [Seal]. Where the key lives behind a wall that takes only digests, the same work is split:
// [Prepare], then [Prepared.Digest] to the key, then [Prepared.Finish]. Prepare gives the same bytes for the same
// inputs, so that after a crash it is enough to do it again.
package pades

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"time"
)

// Sealer is a key with the certificate that speaks for it.
type Sealer struct {
	Signer      crypto.Signer       // ECDSA on P-256, P-384 or P-521, or RSA of at least 2048 bits (PKCS #1 v1.5)
	Certificate *x509.Certificate   // the signer's own
	Chain       []*x509.Certificate // issuer first, each the issuer of the one before; the root may be left out
}

// Appearance is what a reader shows beside a seal, and how firmly the seal closes the document.
type Appearance struct {
	At       time.Time // the claimed time of sealing; goes to /M, never to a signingTime attribute
	Name     string    // who seals, for readers that do not look into the certificate
	Reason   string
	Location string
	Contact  string
	Field    string // name of the signature field; "Signature1" if empty

	// Final makes the seal a certification (ISO 32000-2, 12.8.2.2, P 1): readers then report every later change,
	// not only those that touch what was sealed. It excludes counter-signatures by others.
	Final bool
}

// Refusal is a reason for which no seal is made; errors.Is finds it in what [Prepare] and [Prepared.Finish] return.
type Refusal string

// The closed list of reasons.
const (
	TooLarge   Refusal = "the document is too large to be ours"
	Malformed  Refusal = "the document is not built the way we build ours"
	Compressed Refusal = "the document has a cross-reference stream, not the plain table of ours"
	Revised    Refusal = "the document has been revised since it was made"
	Encrypted  Refusal = "the document is encrypted"
	Signed     Refusal = "the document holds a form or a signature already"
	Active     Refusal = "the document acts when opened"
	WrongKey   Refusal = "the key cannot make such a seal"
	WrongCert  Refusal = "the certificate cannot stand behind such a seal"
	WrongText  Refusal = "a text beside the seal is too long or not UTF-8"
	BadSeal    Refusal = "the signature does not verify under the certificate"
)

// Error gives the reason in English, for the log.
func (r Refusal) Error() string { return "pades: " + string(r) }

func (r Refusal) because(format string, args ...any) error {
	return fmt.Errorf("%w: %s", r, fmt.Sprintf(format, args...))
}

// Seal gives pdf with an invisible seal by the key, or a [Refusal].
func Seal(pdf []byte, by Sealer, how Appearance) ([]byte, error) {
	if by.Signer == nil || by.Certificate == nil {
		return nil, WrongKey.because("no key or no certificate")
	}
	if !samePublicKey(by.Signer.Public(), by.Certificate.PublicKey) {
		return nil, WrongKey.because("it is not the certificate's")
	}
	ready, err := Prepare(pdf, by.Certificate, by.Chain, how)
	if err != nil {
		return nil, err
	}
	signature, err := by.Signer.Sign(rand.Reader, ready.Digest(), ready.Hash())
	if err != nil {
		return nil, fmt.Errorf("pades: ask the key: %w", err)
	}
	return ready.Finish(signature)
}

func samePublicKey(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}
