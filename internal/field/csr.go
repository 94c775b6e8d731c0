package field

import (
	"encoding/base64"
	"encoding/pem"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// maxCSR bounds a certificate request in DER; one with an 8192-bit RSA key and many names has some 4 KiB.
const maxCSR = 16 << 10

// ParseCSR reads the shape of a certificate request (PKCS #10), PEM or its bare base64, and gives it as one PEM
// block; or of a message that somebody signed (CMS), in which a renewal's request stands. It verifies nothing: package
// issuance does. A private key is told apart at once (E-CSR-05), so that nothing stores it.
func ParseCSR(typed string) (string, error) {
	s := trim(typed)
	switch {
	case s == "":
		return "", refuse("E-GER-01")
	case strings.Contains(strings.ToUpper(s), "PRIVATE KEY"):
		return "", refuse("E-CSR-05")
	case len(s) > 2*maxCSR:
		return "", refuse("E-CSR-01")
	}
	der, ok := unwrap(s)
	if !ok || len(der) > maxCSR {
		return "", refuse("E-CSR-01")
	}
	if signedShape(der) {
		return string(pem.EncodeToMemory(&pem.Block{Type: "CMS", Bytes: der})), nil // RFC 7468, 9
	}
	if err := requestShape(der); err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), nil
}

// unwrap gives the DER in a single PEM block of a request, or in bare base64.
func unwrap(s string) ([]byte, bool) {
	if !strings.HasPrefix(s, "-----") {
		der, err := base64.StdEncoding.Strict().DecodeString(bare(s, ""))
		return der, err == nil
	}
	block, rest := pem.Decode([]byte(s))
	if block == nil || trim(string(rest)) != "" {
		return nil, false
	}
	request := block.Type == "CERTIFICATE REQUEST" || block.Type == "NEW CERTIFICATE REQUEST" // RFC 7468, 7
	return block.Bytes, request || (block.Type == "CMS" || block.Type == "PKCS7") && signedShape(block.Bytes)
}

// signedShape knows ContentInfo, RFC 5652, 3: SEQUENCE { OBJECT IDENTIFIER, [0] } and nothing after it.
func signedShape(der []byte) bool {
	input := cryptobyte.String(der)
	var outer cryptobyte.String
	return input.ReadASN1(&outer, asn1.SEQUENCE) && input.Empty() && outer.SkipASN1(asn1.OBJECT_IDENTIFIER) &&
		outer.SkipASN1(asn1.Tag(0).ContextSpecific().Constructed()) && outer.Empty()
}

// requestShape wants SEQUENCE { SEQUENCE, SEQUENCE, BIT STRING } and nothing after it, RFC 2986, 4.2. A private
// key is a SEQUENCE that begins with the INTEGER of its version, RFC 5958 and RFC 8017.
func requestShape(der []byte) error {
	input := cryptobyte.String(der)
	var outer cryptobyte.String
	if !input.ReadASN1(&outer, asn1.SEQUENCE) || !input.Empty() {
		return refuse("E-CSR-01")
	}
	if outer.PeekASN1Tag(asn1.INTEGER) {
		return refuse("E-CSR-05")
	}
	for _, part := range []asn1.Tag{asn1.SEQUENCE, asn1.SEQUENCE, asn1.BIT_STRING} { // RFC 2986, 4.2
		if !outer.SkipASN1(part) {
			return refuse("E-CSR-01")
		}
	}
	if !outer.Empty() {
		return refuse("E-CSR-01")
	}
	return nil
}
