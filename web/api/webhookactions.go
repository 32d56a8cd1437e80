package api

import (
	"context"
	"net/http"
	"time"

	"labhook/engine"
)

// enableWebhook puts a webhook back into use.
func (s *server) enableWebhook(ctx context.Context, in *webhookPath) (*webhookAnswer, error) {
	return s.setEnabled(ctx, in, true)
}

// disableWebhook takes a webhook out of use and cancels what waits for it.
func (s *server) disableWebhook(ctx context.Context, in *webhookPath) (*webhookAnswer, error) {
	return s.setEnabled(ctx, in, false)
}

// setEnabled switches a webhook. One that is so already stays as it is.
func (s *server) setEnabled(ctx context.Context, in *webhookPath, enabled bool) (*webhookAnswer, error) {
	found, err := s.webhookAt(ctx, in.Wh)
	if err != nil {
		return nil, err
	}
	if found.Enabled == enabled {
		return s.webhookAnswer(ctx, found)
	}
	changed, err := s.Store.SetWebhookEnabled(ctx, callOf(ctx).actor(), found.ID, enabled)
	if err != nil {
		return nil, err
	}
	return s.webhookAnswer(ctx, &changed)
}

// resumeWebhook ends the pause of a webhook.
func (s *server) resumeWebhook(ctx context.Context, in *webhookPath) (*webhookAnswer, error) {
	found, err := s.webhookAt(ctx, in.Wh)
	if err != nil {
		return nil, err
	}
	if err := s.Store.ResumeWebhook(ctx, callOf(ctx).actor(), found.ID); err != nil {
		return nil, conflict(err, "The webhook is not paused")
	}
	return s.webhookAnswer(ctx, found)
}

// rotateSecret replaces the signing secret of a webhook. The secret before signs, too, for a time of grace.
func (s *server) rotateSecret(ctx context.Context, in *webhookPath) (*webhookAnswer, error) {
	c := callOf(ctx)
	found, err := s.webhookAt(ctx, in.Wh)
	if err != nil {
		return nil, err
	}
	sent := newRotateInput()
	if len(c.body) > 0 {
		if err := decode(c.body, &sent); err != nil {
			return nil, err
		}
	}
	changed, err := s.Store.RotateSecret(ctx, c.actor(), found.ID, engine.Secret(sent.Secret), seconds(sent.Grace))
	if err != nil {
		return nil, err
	}
	return s.webhookAnswer(ctx, &changed)
}

// newRotateInput returns the values that absent fields have.
func newRotateInput() RotateInput {
	return RotateInput{Grace: int(engine.DefaultRotationGrace.Seconds())}
}

// revealSecret shows the signing secret of a webhook, and writes that it was shown.
func (s *server) revealSecret(ctx context.Context, in *webhookPath) (*answer[RevealedSecret], error) {
	found, err := s.webhookAt(ctx, in.Wh)
	if err != nil {
		return nil, err
	}
	if found.Signing.Secret == "" {
		return nil, newProblem(http.StatusConflict, "The webhook does not sign its requests, so it has no secret")
	}
	secret, err := s.Store.RevealSecret(ctx, callOf(ctx).actor(), found.ID)
	if err != nil {
		return nil, err
	}
	shown := engine.Signing{Scheme: found.Signing.Scheme, Secret: secret} // found may be older than secret
	return &answer[RevealedSecret]{RevealedSecret{Secret: secret.Reveal(), PublicKey: shown.PublicKey()}}, nil
}

// recoverWebhook sends again what of a webhook failed or was cancelled since a time, or counts it.
func (s *server) recoverWebhook(ctx context.Context, in *webhookPath) (*answer[Recoverable], error) {
	c := callOf(ctx)
	found, err := s.webhookAt(ctx, in.Wh)
	if err != nil {
		return nil, err
	}
	var sent RecoverInput
	if err := decode(c.body, &sent); err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	switch {
	case sent.Since == nil:
		return nil, invalid("since", "Say from when on deliveries are sent again: since must be %s", timeWords)
	case sent.Since.After(now):
		return nil, invalid("since", "since must not lie in the future")
	}
	out := Recoverable{Since: sent.Since.UTC().Truncate(time.Millisecond), Until: now}
	if out.Deliveries, out.More, err = s.Store.CountRecoverable(ctx, found.ID, out.Since, out.Until); err != nil {
		return nil, err
	}
	if !sent.CountOnly {
		began, err := s.Engine.Recover(ctx, c.actor(), found.ID, out.Since)
		if err != nil {
			return nil, err
		}
		out.Recovery = recoveryOut(&began)
	}
	return &answer[Recoverable]{out}, nil
}

// readRecovery answers with the latest recovery of a webhook.
func (s *server) readRecovery(ctx context.Context, in *webhookPath) (*answer[Recovery], error) {
	found, err := s.webhookAt(ctx, in.Wh)
	if err != nil {
		return nil, err
	}
	list, err := s.Store.Recoveries(ctx, found.ID, 1)
	switch {
	case err != nil:
		return nil, err
	case len(list) == 0:
		return nil, newProblem(http.StatusNotFound, "The webhook was never recovered")
	}
	return &answer[Recovery]{*recoveryOut(&list[0])}, nil
}

func recoveryOut(r *engine.Recovery) *Recovery {
	return &Recovery{
		Since: r.Since.UTC(), Sent: r.Sent, CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy,
		FinishedAt: timeOrNull(r.FinishedAt), Stopped: r.Stopped,
	}
}
