package link

import "testing"

func FuzzASecretHasOneSpelling(f *testing.F) {
	f.Add("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	f.Add("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab") // the same bytes, spelt otherwise
	f.Add("")
	f.Add("AAAA====")
	f.Fuzz(func(t *testing.T, secret string) {
		ref, ok := refOf(secret)
		if !ok {
			return
		}
		bytes, err := letters().DecodeString(secret)
		if err != nil || len(bytes) != idSize+macSize || letters().EncodeToString(bytes) != secret || len(ref) != 26 {
			t.Fatalf("%q was taken as %s", secret, ref)
		}
	})
}

func FuzzNormal(f *testing.F) {
	f.Add("123 456")
	f.Add("１２３４５６")
	f.Fuzz(func(t *testing.T, typed string) {
		digits, ok := normal(typed)
		if again, same := normal(digits); ok && (len(digits) != 6 || !same || again != digits) {
			t.Fatalf("%q became %q", typed, digits)
		}
	})
}
