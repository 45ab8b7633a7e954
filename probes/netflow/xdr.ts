/** XDR (RFC 4506), in which sFlow is written: everything fills up to four octets. */

export const padded = (octets: number): number => octets + (-octets & 3);
