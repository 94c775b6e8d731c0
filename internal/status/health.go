package status

import (
	"context"
	"time"

	"chancela/internal/ca"
)

// Health is how what answers stands: everything of ours that ends, with the days that are left to it. It is public:
// whoever relies on us may see that we look after it.
type Health struct {
	At    time.Time `json:"at"`
	Level string    `json:"level"` // the worst of all: good, soon, ended
	Items []Item    `json:"items"`
	// Behind says up to when the record was read, where that is not now; "" for up to date.
	Behind string `json:"behind,omitempty"`
}

// Item is one of them.
type Item struct {
	Kind        string     `json:"kind"` // root, issuing, responder, list, stamp, seal
	Name        string     `json:"name"`
	Subject     string     `json:"subject"`
	Address     string     `json:"address,omitempty"`
	Ends        time.Time  `json:"ends"`
	Certificate *time.Time `json:"certificate_ends,omitempty"` // where the key stops signing before
	Days        int        `json:"days_left"`
	Level       string     `json:"level"`
	Itself      bool       `json:"renews_itself"`
}

// Health says how what answers stands.
func (s *Service) Health(ctx context.Context) (Health, error) {
	all, err := s.c.CA.Watched(ctx)
	if err != nil {
		return Health{}, err
	}
	h := Health{At: s.c.CA.Now().Truncate(time.Second), Level: string(ca.Fine), Items: []Item{}}
	for _, w := range all {
		i := itemOf(w, h.At)
		h.Items = append(h.Items, i)
		if i.Level == string(ca.Ended) || i.Level == string(ca.Soon) && h.Level == string(ca.Fine) {
			h.Level = i.Level
		}
	}
	if err := s.c.CA.Fresh(); err != nil {
		h.Behind = err.Error()
	}
	return h, nil
}

func itemOf(w ca.Watched, now time.Time) Item {
	i := Item{
		Kind: w.Kind, Name: w.Name, Subject: w.Subject, Address: w.Address, Ends: w.Ends.UTC(), Days: w.Days(now), Level: string(w.At(now)), Itself: w.Itself,
	}
	if end := w.Certificate.UTC(); !end.IsZero() && !end.Equal(i.Ends) {
		i.Certificate = &end
	}
	return i
}

// Unit is the time-stamping unit in force, with the address at which stamps are asked for; false where whoever asks is
// given none.
func (s *Service) Unit(ctx context.Context) (Item, bool, error) {
	if !s.c.Stamps {
		return Item{}, false, nil
	}
	all, err := s.c.CA.Watched(ctx)
	for _, w := range all {
		if w.Kind == "stamp" {
			i := itemOf(w, s.c.CA.Now())
			i.Address = s.c.CA.StampURL()
			return i, true, nil
		}
	}
	return Item{}, false, err
}
