package nearest

import "testing"

func TestWordFindsWhatWasMeantAndNothingFarther(t *testing.T) {
	known := []string{"label", "hint", "kind"}
	for typed, want := range map[string]string{"lable": "label", "labels": "label", "knd": "kind", "colour": "", "": ""} {
		if got := Word(typed, known); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}
