package certificate

import (
	"context"
	"maps"

	"chancela/internal/account"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/portal"
)

// tell writes to the holder about an event, in their language.
func (s *Service) tell(ctx context.Context, tx *db.Tx, r row, event portal.Event, values func(i18n.Lang) i18n.Args) error {
	return s.tellOf(ctx, tx, r, "", event, values)
}

// tellOf is tell with the page that the letter leads to; the certificate's for "".
func (s *Service) tellOf(ctx context.Context, tx *db.Tx, r row, page string, event portal.Event, values func(i18n.Lang) i18n.Args) error {
	holder, err := s.c.Accounts.Find(ctx, tx, r.Account)
	if err != nil {
		return err
	}
	return s.write(ctx, tx, r, holder, letter.Letter{Event: event, Page: page}, values)
}

// tellAll writes to all parties of a certificate: its holder, by short message too where the portal has one, and those
// who answer for the body (ETSI EN 319 411-1, REV-6.3.9-03: subject and subscriber are told of a change of status).
func (s *Service) tellAll(ctx context.Context, tx *db.Tx, r row, event portal.Event, values func(i18n.Lang) i18n.Args) error {
	holder, err := s.c.Accounts.Find(ctx, tx, r.Account)
	if err != nil {
		return err
	}
	if err := s.write(ctx, tx, r, holder, letter.Letter{Event: event}, values); err != nil {
		return err
	}
	if holder.Mobile != "" {
		if err := s.write(ctx, tx, r, holder, letter.Letter{Event: event, BySMS: true}, values); err != nil {
			return err
		}
	}
	others, err := s.c.Accounts.Answering(ctx, tx, r.Portal, r.BodyNIPC, s.answeringPowers(r))
	if err != nil {
		return err
	}
	for _, one := range others {
		if one.Person == r.Holder {
			continue
		}
		if err := s.write(ctx, tx, r, one, letter.Letter{Event: event}, values); err != nil {
			return err
		}
	}
	return nil
}

// write makes up one letter about an order and hands it to be sent.
func (s *Service) write(ctx context.Context, tx *db.Tx, r row, to account.Account, l letter.Letter, values func(i18n.Lang) i18n.Args) error {
	p, ok := s.c.Portals.Portal(r.Portal)
	if !ok {
		return nil // the portal was taken away; nobody is left to speak for it
	}
	l.Portal, l.To, l.About = p, to.To(), r.ID.object()
	if l.Page == "" {
		l.Page = s.c.Page + "/" + string(r.ID)
	}
	l.Procedure, _ = p.Procedure(r.Procedure)
	l.Values = i18n.Args{"number": r.Number, "body": r.Body, "product": r.Product.In(to.Lang), "year": tx.Now().In(i18n.Lisbon()).Format("2006")}
	if l.Procedure != nil {
		l.Values["procedure"] = l.Procedure.Name.In(to.Lang)
	}
	maps.Copy(l.Values, values(to.Lang))
	return s.c.Letters.Send(ctx, tx, l)
}

// tellRevoked tells all parties why, and on whose asking.
func (s *Service) tellRevoked(ctx context.Context, tx *db.Tx, r row, c ca.Certificate, why func(i18n.Lang) string, requester string) error {
	return s.tellAll(ctx, tx, r, portal.CertificateRevoked, func(lang i18n.Lang) i18n.Args {
		return i18n.Args{"serial": shortSerial(c.Serial), "reason": why(lang), "requester": i18n.Say(lang, requester, nil)}
	})
}

// shortSerial is enough of a serial number for its holder to know it by.
func shortSerial(serial ca.Serial) string {
	whole := serial.String()
	if len(whole) <= 23 {
		return whole
	}
	return whole[:11] + "…" + whole[len(whole)-11:]
}
