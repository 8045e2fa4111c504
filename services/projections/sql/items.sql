-- name: items
SELECT id, type, position, at, alert_ref FROM feed_item WHERE position > ? AND position <= ? ORDER BY position LIMIT ?;

-- name: items_of_clinic
SELECT id, type, position, at, alert_ref FROM feed_item
WHERE position > ? AND position <= ? AND clinic = ? ORDER BY position LIMIT ?;

-- name: alert_place
SELECT case_ref, clinic FROM feed_item WHERE alert_ref = ? AND type = 'resonance.alert.raised.v1';
