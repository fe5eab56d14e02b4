/**
 * Which instructions a version of the architecture has. Rows are of Power ISA 3.0B; those that are not of 2.07 (POWER8)
 * are named here, by base mnemonic. Source: the "version" column of Power ISA 3.0B, appendices F and G.
 */

export type Isa = '2.07' | '3.0';

/** Instructions that came with 3.0 or 3.0B. */
export const SINCE_3_0: ReadonlySet<string> = new Set(
  [
    'addpcis addex darn maddhd maddhdu maddld modsw moduw modsd modud cmprb cmpeqb cnttzw cnttzd extswsli mcrxrx setb',
    'wait lwat ldat stwat stdat copy cpabort paste scv rfscv stop slbieg slbsync',
    'mffsce mffscdrn mffscdrni mffscrn mffscrni mffsl',
    'vpermr vslv vsrv vextractub vextractuh vextractuw vextractd vinsertb vinserth vinsertw vinsertd vmsumudm',
    'vnegw vnegd vextsb2w vextsh2w vextsb2d vextsh2d vextsw2d vabsdub vabsduh vabsduw',
    'vcmpneb vcmpneh vcmpnew vcmpnezb vcmpnezh vcmpnezw vprtybw vprtybd vprtybq vrlwnm vrlwmi vrldnm vrldmi',
    'vctzb vctzh vctzw vctzd vclzlsbb vctzlsbb vextublx vextuhlx vextuwlx vextubrx vextuhrx vextuwrx vbpermd',
    'bcdcfn bcdcfz bcdctn bcdctz bcdcfsq bcdctsq bcdsetsgn bcdcpsgn bcds bcdus bcdsr bcdtrunc bcdutrunc',
    'vmul10cuq vmul10ecuq vmul10uq vmul10euq',
    'lxsd lxssp stxsd stxssp lxv stxv lxsibzx lxsihzx lxvx lxvb16x lxvh8x lxvwsx lxvl lxvll',
    'stxsibx stxsihx stxvx stxvb16x stxvh8x stxvl stxvll mfvsrld mtvsrdd mtvsrws',
    'xscmpeqdp xscmpgtdp xscmpgedp xscmpexpdp xsmaxcdp xsmincdp xsmaxjdp xsminjdp xscvhpdp xscvdphp',
    'xsxexpdp xsxsigdp xsiexpdp xststdcsp xststdcdp xvcvhpsp xvcvsphp xvxexpdp xvxsigdp xvxexpsp xvxsigsp',
    'xviexpsp xviexpdp xvtstdcsp xvtstdcdp xxperm xxpermr xxspltib xxextractuw xxinsertw xxbrh xxbrw xxbrd xxbrq',
    'xsaddqp xssubqp xsmulqp xsdivqp xssqrtqp xsmaddqp xsmsubqp xsnmaddqp xsnmsubqp xscmpuqp xscmpoqp xscmpexpqp',
    'xscpsgnqp xsabsqp xsnabsqp xsnegqp xsxexpqp xsxsigqp xsiexpqp xscvqpdp xscvdpqp xscvqpuwz xscvqpswz xscvqpudz',
    'xscvqpsdz xscvudqp xscvsdqp xsrqpi xsrqpix xsrqpxp xststdcqp',
  ].flatMap((line) => line.split(' ')),
);
