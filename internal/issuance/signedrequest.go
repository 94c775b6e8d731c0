package issuance

import (
	"bytes"
	"crypto"
	"encoding/pem"

	"chancela/internal/issuance/cms"
)

// SignedRequest is a key request as it was sent: by itself, or within a message that an earlier key of its sender signed.
type SignedRequest struct {
	Request []byte // PKCS#10, PEM or DER, for [ParseRequest]
	message *cms.Opened
}

// OpenRequest takes a request out of the message that it may stand in (CMS SignedData, PEM). Anything else is given as
// it is, for [ParseRequest] to judge; a message that cannot be read is refused with E-CSR-01.
func OpenRequest(data []byte) (SignedRequest, error) {
	if !isMessage(data) {
		return SignedRequest{Request: data}, nil
	}
	block, rest := pem.Decode(data)
	if block == nil || len(block.Headers) > 0 || len(bytes.TrimSpace(rest)) > 0 {
		return SignedRequest{}, unreadable()
	}
	opened, err := cms.Open(block.Bytes)
	if err != nil {
		return SignedRequest{}, unreadable()
	}
	return SignedRequest{Request: opened.Content, message: &opened}, nil
}

func isMessage(data []byte) bool {
	data = bytes.TrimSpace(data)
	return bytes.HasPrefix(data, []byte("-----BEGIN CMS-----")) || bytes.HasPrefix(data, []byte("-----BEGIN PKCS7-----"))
}

// Signed says whether the request came within a signed message at all.
func (r SignedRequest) Signed() bool { return r.message != nil }

// SignedBy says whether this key signed the message around the request.
func (r SignedRequest) SignedBy(key crypto.PublicKey) bool {
	return r.message != nil && r.message.By(key) == nil
}
