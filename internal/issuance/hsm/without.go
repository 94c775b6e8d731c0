//go:build !(pkcs11 && cgo)

package hsm

import "errors"

// Built says whether this program can speak PKCS#11.
const Built = false

func load(string) (library, error) {
	return nil, errors.New("this program was built without PKCS#11; build it with a C compiler and CGO_ENABLED=1 go build -tags pkcs11 ./cmd/chancela")
}
