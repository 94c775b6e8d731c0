package app

import (
	"fmt"
	"os"

	"chancela/internal/issuance"
)

// knownKeys reads the operator's list of keys that others have; a list that cannot be read keeps the program from
// starting, since it would certify what the operator forbade.
func knownKeys(path string) (issuance.KeyList, error) {
	if path == "" {
		return issuance.KeyList{}, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return issuance.KeyList{}, fmt.Errorf("app: keys.known: %w", err)
	}
	defer func() { _ = file.Close() }() // read only
	list, err := issuance.ParseKeyList(file)
	if err != nil {
		return issuance.KeyList{}, fmt.Errorf("app: keys.known: %w", err)
	}
	return list, nil
}
