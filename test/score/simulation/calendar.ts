/** The times that simulations speak of. */
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** 5 January 2026, when it begins in UTC. */
export const MONDAY = Date.UTC(2026, 0, 5);
