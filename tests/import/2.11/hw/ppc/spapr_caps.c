sPAPRCapPossible cap_cfpc_possible = {
    .num = 3,
    .vals = {"broken", "workaround", "fixed"},
    .help = "broken - no protection, workaround - workaround available,"
            " fixed - fixed in hardware",
};

sPAPRCapPossible cap_ibs_possible = {
    .num = 4,
    /* Note workaround only maintained for compatibility */
    .vals = {"broken", "workaround", "fixed-ibs", "fixed-ccd"},
};

sPAPRCapabilityInfo capability_table[SPAPR_CAP_NUM] = {
    [SPAPR_CAP_HTM] = {
        .name = "htm",
        .description = "Allow Hardware Transactional Memory (HTM)",
        .index = SPAPR_CAP_HTM,
        .type = "bool",
    },
    [SPAPR_CAP_CFPC] = {
        .name = "cfpc",
        .index = SPAPR_CAP_CFPC,
        .type = "string",
        .possible = &cap_cfpc_possible,
    },
    [SPAPR_CAP_SBBC] = {
        .name = "sbbc",
        .index = SPAPR_CAP_SBBC,
        .type = "string",
        .possible = &cap_cfpc_possible,
    },
    [SPAPR_CAP_IBS] = {
        .name = "ibs",
        .index = SPAPR_CAP_IBS,
        .type = "string",
        .possible = &cap_ibs_possible,
    },
};
