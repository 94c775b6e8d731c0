package cms

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/asn1"
	"errors"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// MaxMessage is the most bytes that a message read here may have; a key request with its signer's chain has some 8 KiB.
const MaxMessage = 32 << 10

// Opened is a message by one signer over content that stands in it. It was read and nothing of it is believed yet:
// [Opened.By] says whether a key signed it.
type Opened struct {
	Content []byte

	hash       crypto.Hash
	algorithm  asn1.ObjectIdentifier
	attributes []byte // as the key signed them: with the tag of a SET; nil for none
	signature  []byte
}

var (
	errNotSigned = errors.New("cms: not a signed message of one signer with its content in it")
	errNotBy     = errors.New("cms: the key did not sign this message")
)

// Open reads a ContentInfo with SignedData (RFC 5652, 5.1) in DER: one signer, content of type data, a hash of SHA-2.
// Certificates and lists in it are passed over: whoever opens it knows whose key must have signed.
func Open(der []byte) (Opened, error) {
	if len(der) > MaxMessage {
		return Opened{}, errNotSigned
	}
	input := cryptobyte.String(der)
	var info, wrapped, signed cryptobyte.String
	var kind asn1.ObjectIdentifier
	ok := input.ReadASN1(&info, tag.SEQUENCE) && input.Empty() && info.ReadASN1ObjectIdentifier(&kind) && kind.Equal(oidSignedData) &&
		info.ReadASN1(&wrapped, context(0)) && info.Empty() && wrapped.ReadASN1(&signed, tag.SEQUENCE) && wrapped.Empty()
	if !ok {
		return Opened{}, errNotSigned
	}
	return openSigned(signed)
}

func openSigned(signed cryptobyte.String) (o Opened, err error) {
	var version int
	var holder, octets, signers, signer cryptobyte.String
	var kind asn1.ObjectIdentifier
	ok := signed.ReadASN1Integer(&version) && signed.SkipASN1(tag.SET) && signed.ReadASN1(&holder, tag.SEQUENCE) &&
		holder.ReadASN1ObjectIdentifier(&kind) && kind.Equal(oidData) && holder.ReadASN1(&octets, context(0)) && holder.Empty() &&
		octets.ReadASN1Bytes(&o.Content, tag.OCTET_STRING) && octets.Empty() &&
		signed.SkipOptionalASN1(context(0)) && signed.SkipOptionalASN1(context(1)) &&
		signed.ReadASN1(&signers, tag.SET) && signed.Empty() && signers.ReadASN1(&signer, tag.SEQUENCE) && signers.Empty()
	if !ok || len(o.Content) == 0 {
		return Opened{}, errNotSigned
	}
	return o, o.readSigner(signer)
}

// readSigner reads SignerInfo (RFC 5652, 5.3). By which name it calls its signer says nothing: the key does.
func (o *Opened) readSigner(signer cryptobyte.String) error {
	var version int
	var digest, algorithm cryptobyte.String
	var digestOID asn1.ObjectIdentifier
	if !signer.ReadASN1Integer(&version) {
		return errNotSigned
	}
	named := signer.PeekASN1Tag(tag.SEQUENCE) && signer.SkipASN1(tag.SEQUENCE) || signer.SkipASN1(tag.Tag(0).ContextSpecific())
	if !named || !signer.ReadASN1(&digest, tag.SEQUENCE) || !digest.ReadASN1ObjectIdentifier(&digestOID) {
		return errNotSigned
	}
	if signer.PeekASN1Tag(context(0)) {
		var attributes cryptobyte.String
		if !signer.ReadASN1Element(&attributes, context(0)) {
			return errNotSigned
		}
		o.attributes = slices.Clone([]byte(attributes))
		o.attributes[0] = byte(tag.SET) // what is signed has the tag of a SET (RFC 5652, 5.4)
	}
	ok := signer.ReadASN1(&algorithm, tag.SEQUENCE) && algorithm.ReadASN1ObjectIdentifier(&o.algorithm) &&
		signer.ReadASN1Bytes(&o.signature, tag.OCTET_STRING) && signer.SkipOptionalASN1(context(1)) && signer.Empty()
	if o.hash = hashOf(digestOID); !ok || o.hash == 0 {
		return errNotSigned
	}
	return nil
}

func hashOf(oid asn1.ObjectIdentifier) crypto.Hash {
	switch {
	case oid.Equal(oidSHA256):
		return crypto.SHA256
	case oid.Equal(oidSHA384):
		return crypto.SHA384
	case oid.Equal(oidSHA512):
		return crypto.SHA512
	}
	return 0
}

// By says whether a key signed the message: the content, or the attributes that hold the content's digest and type.
func (o Opened) By(key crypto.PublicKey) error {
	signed := o.Content
	if o.attributes != nil {
		if !o.coversContent() {
			return errNotBy
		}
		signed = o.attributes
	}
	h := o.hash.New()
	h.Write(signed)
	if !o.signedBy(key, h.Sum(nil)) {
		return errNotBy
	}
	return nil
}

func (o Opened) signedBy(key crypto.PublicKey, digest []byte) bool {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		withHash := map[crypto.Hash]asn1.ObjectIdentifier{crypto.SHA256: oidECDSAWithSHA256, crypto.SHA384: oidECDSAWithSHA384, crypto.SHA512: oidECDSAWithSHA512}
		return o.algorithm.Equal(withHash[o.hash]) && ecdsa.VerifyASN1(key, digest, o.signature)
	case *rsa.PublicKey:
		return o.algorithm.Equal(oidRSAEncryption) && rsa.VerifyPKCS1v15(key, o.hash, digest, o.signature) == nil
	}
	return false
}

// coversContent holds the signed attributes against the content: its digest, once, and its type, once (RFC 5652, 11.1
// and 11.2).
func (o Opened) coversContent() bool {
	h := o.hash.New()
	h.Write(o.Content)
	var set cryptobyte.String
	input := cryptobyte.String(o.attributes)
	if !input.ReadASN1(&set, tag.SET) {
		return false
	}
	digests, types := 0, 0
	for !set.Empty() {
		var attribute, values cryptobyte.String
		var kind asn1.ObjectIdentifier
		if !set.ReadASN1(&attribute, tag.SEQUENCE) || !attribute.ReadASN1ObjectIdentifier(&kind) || !attribute.ReadASN1(&values, tag.SET) || !attribute.Empty() {
			return false
		}
		switch {
		case kind.Equal(oidMessageDigest):
			var digest []byte
			if !values.ReadASN1Bytes(&digest, tag.OCTET_STRING) || !values.Empty() || !bytes.Equal(digest, h.Sum(nil)) {
				return false
			}
			digests++
		case kind.Equal(oidContentType):
			var of asn1.ObjectIdentifier
			if !values.ReadASN1ObjectIdentifier(&of) || !values.Empty() || !of.Equal(oidData) {
				return false
			}
			types++
		}
	}
	return digests == 1 && types == 1
}
