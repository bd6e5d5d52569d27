-- Which guess was counted last, by a random name: a count whose answer got lost is made again, and counts once.
ALTER TABLE proof_guesses ADD COLUMN last_guess TEXT;
