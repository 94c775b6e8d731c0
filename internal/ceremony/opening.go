package ceremony

import (
	"errors"

	"github.com/cloudflare/circl/secretsharing"
)

// opening gathers shares from custodians.
type opening struct {
	dir     *Dir
	talk    *Talk
	custody custody
	shares  []secretsharing.Share
	people  []string
}

// ask has one custodian open their share; an empty answer says that they are not there.
func (o *opening) ask(h holder) error {
	for range tries {
		phrase, err := o.talk.hidden("phrase", "name", h.Name)
		if err != nil {
			return err
		}
		if phrase == "" {
			o.talk.say("absent", "name", h.Name)
			return nil
		}
		data, found, err := o.dir.shareOf(h)
		if err != nil {
			return err
		}
		if !found {
			o.talk.say("no-share", "name", h.Name, "file", h.File)
			return nil
		}
		s, err := openShare(o.custody, h, data, phrase)
		if err == nil {
			o.shares, o.people = append(o.shares, s), append(o.people, h.Name)
			o.talk.say("opened", "name", h.Name)
			return nil
		}
		if !errors.Is(err, errWrongShare) {
			return err
		}
		o.talk.say("wrong-share", "name", h.Name)
	}
	return nil
}
